"""The same signals in English, by frames: who threatens with what, wants what, and what ties the two.

English needs few lists, for its words are parted. What a newcomer gets wrong: nearly every word here is an
honest buyer's as well. A fault, a promise of the shop and what others did end the search, as in bargains.py.
Reviews are read by english_reviews.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice

from streams.detect.text.lexicon import Hit
from streams.detect.text.numbers import MAX_NUMBERS

_OTHER_SCRIPT = re.compile(r"[\u0400-\u04ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_WORD = re.compile(r"[a-z]{2,}")
_APOSTROPHES = str.maketrans("’‘`´", "''''")

# What may befall the shop; the groups are the codes of threats. Those that only hint need a firm tie.
_STARS = (
    r"(?:1|one|single|zero|0|lowest|2|two|uno)[\s-]*(?:stars?\b(?! (?:energy|hotel|of the|on (?:it|the)))"
    r"|\*)|\b[01]\.0\b|\b1\*|\b(?:bad|low"
    r"|ugly) stars?\b|\bone-?star\w*"
)
_BAD = (
    r"(?:bad|negative|neg|terrible|horrible|awful|worst|nasty|ugly|poor|low|damaging|scathing|brutal"
    r"|less honest|mean)"
)
_REVIEWS = r"(?:reviews?|feed\s?backs?|ratings?|comments?|opinions?|photos?|posts?|write-?ups?)"
_PLACES = (
    r"(?:tik\s?tok|you\s?tube|insta(?:gram)?|facebook|fb|reddit|twitter|trust\s?pilot|yelp"
    r"|socials?(?: media)?"
    r"|snapchat|forums?|telegram|discord|watchdog|mumsnet|stories|blog|press|newspaper|magazine)"
)
_AUTHORITIES = (
    r"(?:trading standards|bbb|better business|consumer (?:protection|affairs|rights|court|forum)"
    r"|verbraucherzentrale|customs|tax (?:office|man|authority|people)"
    r"|irs|hmrc|police|lawyers?|attorney(?: general)?|solicitor|court|ftc|action fraud|gdpr|dmca\w*"
    r"|copyright|fire authority|peta|payment processor|the platform|aliexpress|amazon|taobao|etsy|ebay"
    r"|shopify|temu|lazada|shopee)"
)
_MONEY = (
    r"(?:(?:[$€£¥₹₽]|(?<![a-z])(?:usd|eur|gbp|aud|cad|rs\.?|us\$))\s?\d[\d,]*(?:\.\d{1,2})?\s?k?\b"
    r"|\b\d[\d,]*(?:\.\d{1,2})?\s?k?\s?(?:usd|us dollars?|dollars?|dolars?|bucks?|euros?|eur|pounds?"
    r"|quid|gbp|aud|cad|rupees?|rs|inr|rubles?|roubles?|\$|€|£|₹)(?!\w)"
    r"|\b(?:fifty|twenty|thirty|forty|hundred|ten|fifteen|sixty|eighty|couple hundred"
    r"|few hundred) (?:dollars?|bucks?|euros?|pounds?|quid|usd)\b)"
)
_FIRM = re.compile(
    rf"(?P<bad_review>\b(?:{_STARS})|\b(?:change|edit|remove|delete|take down) (?:my|the|that|this)"
    rf" (?:\w+ )?{_REVIEWS}(?=[^.!?;。]{{0,20}} for {_MONEY})|★(?!\s?★)"
    rf"|\b{_BAD}\b,?(?:\s[\w']+){{0,2}}?\s{_REVIEWS}\b"
    rf"|\bbad (?:things )?about (?:u|you)\b|\b{_REVIEWS} (?:is )?(?:very )?(?:bad|ugly|negative)\b"
    r"|\b(?:tank|ruin|destroy|kill|wreck|drop|trash|hurt|lower|damage|flood|bomb)(?:ed|ing|s)? (?:your"
    r"|ur|the|ya) (?:\w+ )?(?:ratings?|reputation|score|stars?|shop|store|listing|business|account"
    r"|page|rep|average)\b"
    r"|\bstar (?:u|you)\b|\b(?:rate|rating) (?:u|you) (?:low|bad|1|one)|\bwrite (?:that|how|bad)\b"
    r"|\bsay(?:s)? (?:it'?s |the \w+ (?:is|was) |item (?:is |was )?|it was )?fake\b)"
    r"|(?P<complaint>\b(?!do i\b)(?:open|file|start|raise|make|do|put|submit|lodge|escalate|see|get|filing"
    r"|opening|making)\b (?:[\w']+ ){0,3}?(?:disputes?|cases?|claims?|complain(?:t|ts)?|a-(?:to-)?z"
    r"|anzeige)\b"
    r"|\bcharge\s?-?backs?\b|\bi(?:'?ll| will| do| just| can)? dispute\b|\bdispute (?:it|this|all|with"
    r"|you)\b|\b(?:call|tell|contact) (?:my |the )?bank\b|\ba-to-z claims?\b|\b\d+ (?:complaints?"
    r"|claims?|returns?|disputes?)\b|\bcomplain(?:t)? (?:to|about)\b|\b(?:two|three|many) complaints\b)"
    rf"|(?P<report>\breport(?:ing|ed)? (?:u|you|ur|your|it|this|the (?:shop|store|listing|seller)|them"
    rf"|everything|every)\b|\b(?:got|get|be) reported\b|\b(?:call|calling|inform|forward|tell|go to"
    rf"|contact|notify|report|complaint? to|write to)\b(?! (?:my|him|her|his|the (?:courier|driver|theft"
    rf"|loss|thief))\b)[^.!?;。]{{0,40}}?\b{_AUTHORITIES}\b"
    r"|\bsue (?:u|you)\b|\b(?:gdpr|copyright|dmca)\w*\b|\b(?:ban|banned|delist|suspend) (?:u|you"
    r"|your)\b|\b(?:shop|store|account|listing|page|ad|advert)s? (?:\w+ )?(?:is |are "
    r"|gets? )?(?:banned|closed(?! (?:on|for|at|when))|suspended|shut ?down|taken down|removed|frozen"
    r"|flagged|blocked|gone"
    r"|limited|reported|under review)\b"
    r"|\b(?:get|have) (?:u|you|ya) (?:\w+ )?(?:banned|closed|suspended|shut|removed|flagged"
    r"|delisted)\b|\bflag (?:your|ur|the|you)\b|\bscam tag\b)"
    rf"|(?P<exposure>\b(?:video|post|put|upload|share|spread|expose|leak|film|blast|drag|flood\w*"
    rf"|all over|write|go(?:es|ing)?|tell(?:ing)?|speak)\b[^.!?;。]{{0,40}}?\b{_PLACES}\b"
    rf"|\b{_PLACES}\b[^.!?;。]{{0,30}}\b(?:flooded|full treatment|blow up|hear)\b"
    r"|\bexpose (?:u|you|your|ur|it|this|the)\b|\bgo(?:es)? (?:viral|live)\b|\bname and shame\b"
    r"|\b(?:tell|telling) (?:everyone|everybody|all|the world|people|the post)\b"
    r")"
    r"|(?P<sabotage>\b(?:fake|mass|bulk|unpaid|hundreds? of"
    r"|(?<!all )(?<!my )\d{2,4}) (?:\w+ )?(?:orders?(?! (?:a|per|each|every) (?:day|week|month|year))"
    r"|carts?"
    r"|returns?)\b|\border (?:all |up )?\d{2,4}\b[^.!?;。]{0,60}\b(?:pay|reserve|cancel|refuse"
    r"|delivery)|\b(?:orders? unpaid)\b"
    r"|\b(?:block|lock|freeze|tie up|drain|hold|empty)\b[^.!?;。]{0,20}\b(?:stock|inventory|listing)\b"
    r"(?! (?:for|until) (?:me|us))"
    r"|\b(?:(?<!have to )(?<!had to )(?<!want to )cancel|never pay|not pay|wont pay"
    r"|won't pay)\b[^.!?;。]{0,20}\b(?:all|every|again and again"
    r"|orders)\b"
    r"|\byou cannot sell\b|\bnobody can buy\b)"
    r"|(?P<refusal>\b(?:refuse|reject|not accept|wont accept|won't accept|not pick|not collect"
    r"|cancel cod)\b[^.!?;。]{0,25}\b(?:parcels?|packages?|delivery|deliveries|box|boxes|door|it up"
    r"|orders?)\b"
    r"|\baccept the (?:parcel|package) only\b)"
)
# What lie will be told.
_LIE = re.compile(
    r"\b(?:(?:i'?ll|i'?d|i will|gonna|im|i can|i could|i|will|or|going to) (?:just )?(?:say|tell|claim"
    r"|write|telling|saying|post|call)|marked|make (?:a )?video)\b (?:[\w']+ ){0,7}?(?:broken|broke"
    r"|fake|sick|leaked|lost|choked|never (?:came|arrived|signed|placed|got)|insects?|rip off|rash"
    r"|defective|used \w+|scam|doesn'?t|doesnt|burns?|late|missing|damaged)\b"
)
_HINT = re.compile(
    rf"\b(?P<bad_review>(?:keep(?:ing)?|want|good|leave|lose|get) (?:\w+ )?(?:good|5|five"
    rf"|your)[ -]?stars?|bad one|(?:what|nothing) (?:\w+ )*for (?:5|five) stars?|(?:my|the|kind of"
    rf"|honest|next|this|a|one|another|your|public|long) (?:\w+ )?(?:reviews?|ratings?|feedback"
    rf"|average|score)|your (?:\w+ )?stars|review (?:says|videos?|section)|google you|{_REVIEWS} (?:is"
    rf"|will|would|could"
    rf"|can)|thumbs? down|dislikes?|downvot\w+|rank(?:ing|s)?|account health|metrics|seller level"
    rf"|word (?:gets|travels|spreads|of mouth)|what (?:people|customers|others|i) (?:write|say"
    rf"|will say|think))\b"
    rf"|\b(?P<exposure>(?:\d[\d.,]*\s?k?|many|my|thousands of|all my) (?:\w+ )?(?:followers|subs"
    rf"|subscribers|members|audience|viewers|readers|students|colleagues|neighbou?rs|group)|influencer"
    rf"|my (?:next )?(?:video|post|stories|channel|\w+ forum|forum|blog|podcast|column|article|group"
    rf"|page|chat|thread)|(?:videos?|screenshots?|recordings?|live ?streams?|podcast|article|thread)"
    rf"|(?:everyone|everybody|people|customers|buyers|others|the world|the internet) (?:will|should"
    rf"|must|need|deserve|would|is going|are going|might|can|gonna) \w+|(?:go|goes|going|make it"
    rf"|make this) public|{_PLACES})\b"
    r"|\b(?P<complaint>(?:disputes?|complaints?|claims?|returns? (?:all|everything|them all)"
    r"|send (?:them |it |everything )?(?:all )?back|chargebacks?|my bank|strikes?|violations?"
    r"|infringement|tickets?))\b"
    r"|\b(?P<report>reported|reports?(?! back)|imprint|lawyers?|illegal|inspect(?:ors?|ion)|council"
    r"|authorit(?:y|ies)|health (?:and safety|department|office)|licen[cs]e|certificat\w+|tax(?:es)?"
    r"|ce mark|trademark|(?:cousin|brother|friend|uncle|husband|wife|sister|father) (?:\w+ )?(?:works?"
    r"|is|knows)|shut\w* (?:you|u|it|this) down)\b"
    r"|\b(?P<sabotage>competitors?|rivals?|your (?:\w+ )?(?:account|listing|sales|business|shop|store"
    r"|stock|name|reputation|ads|website|customers)|badge|campaign|good luck|regret|see what happens"
    r"|something (?:bad|might)|your move|(?:could|can|will|might|may|gets?|turn|go) (?:ugly|bad|messy"
    r"|south|worse|hard)|(?:cost|lose|lost|costs) (?:you|u|your|ur|sales|customers|money|more)"
    r"|i know (?:people|someone|a guy|how)|sold out|out of stock|carts?|all (?:your|the) stock|bots?"
    r"|hackers?|hack|(?:you|u|ur)(?:'?ll| will)? (?:\w+ ){0,3}trouble|trouble for|problems? for (?:you|u)"
    r"|sleep well|be careful|watch (?:your|out))\b"
)
# It is denied, unless a condition follows.
_DENIED = re.compile(
    r"\b(?:not|never|wont|won't|wouldn't|wouldnt|don't|dont|no|didn't|didnt|can't|cant|without|avoid"
    r"|rather than|instead of|any|hate to|sorry (?:for|about))\b[\s\w',]{0,18}$"
)
_CONDITION = re.compile(
    r"\b(?:if|unless|as long as|once|when|but|in return|in exchange|then|and i (?:won'?t|will not))\b"
)
# How it goes is asked, or that it stops.
_ASKED = re.compile(
    r"\b(?:how (?:do|does|can|would)|do i (?:have|need) to|should i|must i|what happens if i|stop(?:ped)?"
    r" (?:the|my))\b[^.!?;。]*$|\b(?:please|pls|can you|could you|do i) $"
)
# Somebody else is meant.
_OTHERS = re.compile(
    r"[^.!?;。]{0,20}?(?:(?:\b(?:at|to|with|against|for|about) (?:the |my )?(?:post(?: office)?|couriers?"
    r"|drivers?|dhl|ups|fedex|usps|royal mail|insurance|airline|carrier|delivery (?:guy|man|driver"
    r"|company|service))\b)|\b(?:about|against|with|for) (?:another|a different) (?:shop|seller|store"
    r"|order|company)\b)"
)
# That something is closed or gone is told, unless a choice is left.
_MINE = re.compile(r"\b(?:my|our) $")
_STATE = re.compile(r"\b(?:is|are|was|were) (?:\w+ )?\w+$")
_CHOICE = re.compile(r"\b(?:or|if|unless|otherwise|else|until)\b")
# It happened, or is read.
_PAST = re.compile(
    r"\b(?:i (?:already |just |have |had )?(?:left|wrote|gave|posted|filed|opened|reported|read|saw"
    r"|seen|noticed)|saw|watched|clicked|it says|was going to (?:leave|write|post|open|give)|read|reading"
    r"|seen|because of|based on|looking at|(?:these|those|all the|some"
    r"|other|many|so many|lots of|few|saw) (?:\w+ )?)\s?(?:a |the |an |some |your "
    r"|about )?(?:\w+ ){0,2}$"
)

# What the shop is to give.
_SUM = re.compile(_MONEY)
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d{1,2})?")
_GAIN = re.compile(
    rf"(?P<money>{_MONEY}|\b(?:send|give|gimme|pay|transfer|refund me|you give|want|need|offer"
    rf"|credit) (?:me |us |my \w+ )?(?:the |at least |like |about |around "
    rf"|another )?\d{{2,5}}\b(?!\s?(?:%|days|pcs|pieces|x\b|stars?|hours|hrs|times|orders?|more|of))"
    r"|\b(?:gift ?cards?|hush money|store credit|loyalty points|vouchers?|something (?:extra|nice"
    r"|in return|for me)|(?:some|more|want|my|give|send) (?:\w+ )?(?:cash|money)(?! back)|thank you of"
    r"|(?:your|an) offer|make it worth|take paypal|paypal me|my paypal is|(?:to|via|through"
    r"|on) (?:my )?paypal"
    r"|(?:to|on|onto|into) my (?:venmo|cash ?app|iban|card|wallet)"
    r"|this wallet|usdt|bitcoin|btc|crypto|goodwill|courtesy credit|compensat\w+|pay (?:me|up|or)"
    r"|name (?:a|your) (?:price|number)|worth to you|special price|take care of me|cash ?back|coupons?"
    r"|per month|of your sales|(?:can|could|will|would|do) (?:you|u) (?:do|pay|offer) for (?:me|no)"
    r"|little arrangement|get for 5|get this month|price of my order|customs fee)\b)"
    r"|(?P<gift>\bfree (?!shipping|return|to|delivery|post|from|time|of bugs|bpa)\w+|\b(?:for free"
    r"|for nothing|on the house|free ?bies?|no(?:t)? charge|without charge|without paying|for 0"
    r"|half price|complimentary|lifetime free)\b|\bfree(?=\s?(?:[.!?,]|$|or\b|and\b|in\b|to keep"
    r"|otherwise))|\b(?:small|little|nice|receive|a|the|my|see) presents?\b|\b(?:send|give|ship"
    r"|throw in|put|add|hand)(?: me| us)? (?:\w+ ){0,2}?(?:another|one more|two|2|3|a second|second"
    r"|extra|gifts?(?! ?cards?)|present|sample)\b|\bgifts? (?:for me|first)\b|\bno (?:gift|present)\b"
    r"|\b\w*upgrade\b|\b(?:\d0|\d5)\s?(?:%|percent)|\b(?:ten|twenty|fifty) percent\b|\bdiscount\b"
    r"|\bfor the price of\b|\bkeep (?:it|both|item|them|the \w+)\b|\bsend me things\b|\bsponsor\b)"
)
_I = (
    r"(?:\b(?:i|we)(?:'?ll|'?d)?(?: (?:would|can|could|should|must|have to|had to|will|already|then|now"
    r"|only|gladly)){0,2}|\b(?:can|should|do|must|may|could|shall) (?:i|we)(?: have to)?)"
)
# What the buyer pays or has paid, what goods cost, and thanks.
_I_PAY = re.compile(rf"{_I} $")
_NOT_WANTED = re.compile(
    rf"(?:{_I} (?:pay|paid|spend|spent)|\bpayment of|\binvoice of|\bworth)(?: (?:again|the|a|about|around"
    r"|only|another|over)){0,2} $"
    r"|\b(?:buy|bought|get|got|want|need|order|ordered|sell|have|take|found)(?: (?:it|this|that|one|two"
    r"|both|all|them|the \w+))? for (?:only |under |about )?$|\bone for $"
    r"|\bpartial refund (?:of )?$|\brefund(?: me)? my (?:full |whole )?$"
    r"|\b(?:thanks?(?: you)?(?: so much| a lot| very much)? for|loved?) (?:the |your |my |this )?$"
)
# A refund of what is as it should be, or is kept.
_REFUND = re.compile(
    r"\b(?:refund(?:ed|s)?|money back|(?:half|part) (?:of )?(?:my |the )?(?:money|back)|pay me back"
    r"|give (?:\w+ )?back|i don'?t want to pay)\b"
)
_KEEPS = re.compile(
    r"\b(?:keep(?:ing|s)? (?:it|item|the|both|them|everything)|without (?:return|sending)|no return"
    r"|not (?:return|send)ing)\b"
)
_FINE = (
    r"(?:fine|ok|okay|good|great|perfect|perfectly|nice|excellent|lovely|alright|super|gorgeous"
    r"|beautiful|tasty|amazing|wonderful(?:ly)?|as described|well)"
)
_FLAWLESS = re.compile(
    rf"\b(?:nothing(?:'s| is)? wrong|(?:item|product|it|its|quality|goods|stuff|everything|phone|dress"
    rf"|jacket|shoes|bag|they|order|parcel|package|delivery|\w+)(?:'s|s| is| are| was| were| arrived?"
    rf"| came| works?| fits?| looks?| itself is)? (?:actually |totally |perfectly |really |all |quite "
    rf"|pretty |honestly |itself |very )*(?<!not )(?<!n't )(?<!nt )(?<!never )"
    rf"{_FINE}\b(?!\s(?:reviews?|stars?|feedback|ratings?|one|gift"
    rf"|for me|with|if))"
    r"|no (?:problem|issue|complaint)s?(?: with)?\b|(?:i|we) (?:actually |really )?(?:like|love|liked"
    r"|loved) (?:it|the|them)|my \w+ loves? (?:it|them)|no defects?|don'?t need a reason"
    r"|no(?:t)? reason|not (?:a )?problem|(?:its|it's|it is|not because (?:its|it's)) (?:not"
    r"|n't)? ?(?:broken|faulty|damaged)\b(?<=not broken)|love (?:love )?the|perfect fit|her own fault"
    r"|my own fault|idc if|not the product|i know it was fine|that was fine|prove it|before paying)\b"
)
_FIRM_TIE = re.compile(
    rf"^\W*{_MONEY},? (?:and|or) (?:the|your|my|this)\b|"
    r"\bor (?:else|i|i'?ll|my|we|it|it's|its|ur|u|you|your|bad|1|one|get|have|read|the|a|there|just|im"
    r"|i'm|this|watch|lose|face|each|everyone|everybody)\b|\b(?:otherwise|unless|either)\b"
    r"|(?<!someone )(?<!something )(?<!anything )(?<!anyone )(?<!what )\belse\b|\bif (?:u|you"
    r"|ya) (?:\w+ )?(?:don'?t|do not|no|not|dont|reject|refuse|ignore|say no|won'?t|wont|can'?t|send"
    r"|give|pay|want)\b|\bif (?:not|no|nothing|i don'?t|i dont|i do not|it isn'?t)\b|\bif (?:the|my|it"
    r"|a)\b[^.!?;。]{0,25}\b(?:isn'?t|not|doesn'?t|don'?t|arent|aren't)\b"
    r"|\bno (?:gift|money|refund|cash|cashback|voucher|payment|answer|reply|present|discount)\b"
    r"|\bwithout (?:it|gift|that|the|money|them)\b|\b(?:you|u) (?:have|got|hav) (?:until|till|\d+)"
    r"|\b(?:u|you) got \d+|\byou not\b|\b(?:last chance|final offer|tick tock|your (?:move|choice|call"
    r"|decision)|ur (?:move|choice|call)|u decide|up to (?:u|you)|simple|fair\?|think (?:about it|hard"
    r"|carefully|twice))"
    r"|\b(?:be a shame|shame if|sad if|rather have|prefer|cheaper than|worth to you|in both our"
    r"|we both|both want|easy way|you'?ll never hear|i'?m (?:gone|quiet|easy)|im (?:gone|quiet)"
    r"|keep my mouth|nobody sees|i won'?t|i wont|and i (?:won'?t|wont|dont|don'?t|can|will|am|shall)"
    r"|forget (?:about )?(?:it|the)|depends|depend|(?:a month|per month)|hour (?:u|you)|we leave your"
    r"|who don'?t|that don'?t|those that|don'?t and|dont and|if you send|if u send|when you transfer"
    r"|= ?)|=|\bby (?:tonight|tomorrow|today|lunch|midnight|noon|monday|friday)\b|\bhurts\b"
)
_TIE = re.compile(
    r"\b(?:then|and (?:i|we|it|this|all|the|nobody|no one)|in (?:exchange|return)|(?:delete|remove|change"
    r"|edit|update|withdraw|drop|revise|take (?:it|that|this) (?:down|off|back)|cancel|close|forget|stop"
    r"|keep quiet)|before i (?:post|publish|upload|send|write|report)|five stars?|5 ?(?:stars?|\*))\b"
)
# The threat is what is left to choose.
_OR = re.compile(r"\bor (?:\w+ ){0,2}$")

# What is wrong, what is owed, what was promised, what others did: none of it is extortion.
_FAULT = re.compile(
    r"\b(?:broke|broken|breaks|damaged?|crack(?:ed|s)?|defect(?:ive|s)?(?<!no defect)(?<!no defects)"
    r"|fault(?:y|s)?|does(?:n'?t| not) (?:work|fit|turn|charge|match|open|close|look like|function"
    r"|connect|start)|do(?:n'?t| not) (?:work|fit|match)|not work\w*|stopped|won'?t (?:turn|charge"
    r"|start|open|close|connect)"
    r"|wrong (?:item|size|colou?r|one|product|model|thing|order|address|part|version|package|shoe"
    r"|type)|(?:size|colou?r|model|item|address) (?:is|was|were|are) wrong|sent (?:me )?\w+ instead of"
    r"|asked for \w+,? (?:but )?(?:you|u) sent|repair\w*|not (?:\w+ )?(?:good|ok|okay)|missing"
    r"|never (?:arrived|came|received|showed|got|shipped|sent|delivered)|(?:not"
    r"|\w*n'?t) (?:arrived?|receive|received|come|get it|got it|as described|as advertised|shipped"
    r"|been (?:shipped|delivered)|delivered|what i|the same|original|genuine|real)|still (?:waiting"
    r"|not|hasn'?t|no)|late\b|delay(?:ed)?|lost|torn|ripp?ed|tear|stain(?:ed|s)?|leak(?:s|ed|ing)?\b"
    r"|dead|fake|counterfeit|replica|scratch(?:ed|es)?|bent|dent(?:ed)?|smell\w*|stinks?|mou?ld\w*"
    r"|expired|rash|burn(?:t|ed|ing)?|allerg\w*|infect\w*|(?:poor|bad|terrible|cheap|awful"
    r"|horrible) (?:quality|material|condition|build)|fell (?:apart|off)|falling apart|too (?:small"
    r"|big|short|tight|large|thin|loose)|shattered|smashed|ruined my|ruined the|hole|used (?:item|one"
    r"|product)|second hand|dirty|bugs?|worms?|melted|spoiled|rotten|empty (?:box|package)"
    r"|(?:ordered|bought|paid for) (?:\d+|two|three|four|five)\b[^.!?;。]{0,20}\b(?:got|received|came)\b"
    r"|my (?:daughter|son|kid|child|wife|husband|mother|father|dog|cat) (?:has )?(?:ordered|clicked"
    r"|bought)|short(?:age)? of|only (?:got|received|one|half|2|3)|half of|overcharged|(?:\w*n'?t"
    r"|not) recogni[sz]e|charged (?:me )?twice"
    r"|double charged|misleading|false advert\w*|scammed|peel(?:ed|ing)?|fad(?:ed|es|ing)|shrunk"
    r"|shrank|discolou?red|hurts?|injur\w*|cut my|sick|poison\w*|exploded|sparks?|caught fire"
    r"|flicker\w*|noise|blurry|mistake|mismatch\w*|incomplete|out of stock|cancelled my"
    r"|been \d+ (?:days|weeks)|for \d+ (?:days|weeks)|(?:\d+|two|three|four|several) weeks?)\b"
)
_OWED = re.compile(
    r"\b(?:my (?:deposit|refund|reward|prize|commission)|(?:you|u|they|he|she|agent|support|seller"
    r"|shop|store|insert|card|flyer) (?:has |have |had |already )?(?:promised|told me|offered|agreed"
    r"|advertised|guarantee[sd]?)|as (?:promised|advertised|agreed)|promised|guaranteed"
    r"|(?<!nothing on the )(?:it|card|page|insert|flyer|leaflet|box|ad|website) says|leaflet|price (?:match"
    r"|drop|dropped|protection|adjust\w*)|(?:pay|cover|send) (?:for )?(?:the |a "
    r"|my )?postage|i paid [^.!?;。]{0,12}(?:customs|tax|duty|import)|returned (?:it|them|to you)"
    r"|(?:pay|cover|send) (?:for )?(?:the |a |my )?return (?:shipping|label|postage)|warranty"
    r"|charged|wrong price|return (?:it|them) (?:and"
    r"|for)|used my card|unauthori[sz]ed by)\b"
)
_STORY = re.compile(
    r"\b(?:(?:a|another|other|some|previous|last|different|this) (?:buyers?|sellers?|shops?|stores?"
    r"|customers?|people|guy|man|woman|company|influencer)\b[^.!?;。]{0,20}\b(?:said|told|asked|asks"
    r"|threat\w*|demand\w*|wanted|offered|says|sent)|(?:they|he|she|someone|somebody|people|sellers?"
    r"|shops?) (?:said|told|asked|asks?|wanted|threaten\w*|demand\w*|sent)|asked me|told me|threatened"
    r"|(?:bank|paypal|aliexpress|amazon|ebay|etsy|system|app) (?:says|said|wants|asked|asks|opened)"
    r"|threatening me|blackmail\w*|extort\w*|scammed|just kidding|joking|jk)\b"
)
# Who offers work, or asks politely for less.
_BUSINESS = re.compile(
    r"\b(?:if (?:you|u) (?:want|like),? i can|collab\w*|influencer|partnership|sponsor\w*|media kit"
    r"|work (?:together|with)|rate card"
    r"|ambassador|wholesale|bulk (?:order|price)|would you (?:be )?(?:interested|consider)"
    r"|no (?:worries|problem|pressure) if|if not(?:,)? (?:no|that'?s|it'?s|thats|its"
    r"|all) (?:\w+ )?(?:ok|okay|fine|good|worries|problem)|either way|thanks? anyway)\b"
)
_NEAR = 160
_MOST_OF_A_KIND = 12

# Cashback for a review: both stand in one message that asks.
_GOOD_REVIEW = re.compile(
    r"\b(?:reviews?|reviewing|(?:5|five)[\s-]?stars?|(?:4|5)\s?\*|stars|feedback|ratings?|(?:if i |i "
    r"|you |u )rate\b|opinions?|testers?|(?:nice|good) comment|photos? of)"
)
_REWARD = re.compile(
    r"\b(?:cash\s?-?back|refund\w*|money back|back (?:the )?(?:money|paypal)|return the money|discount"
    r"|gifts?|gift ?cards?|vouchers?|coupons?|rewards?|rebates?|bonus|free|for nothing|pay|paid"
    r"|payment|something small|smth|some(?:thing)? (?:off|back|for it|in return)|what (?:do|will|would"
    r"|can) i get|what'?s in it|how (?:much|many) (?:dollars?|money)|\d+ ?% off|\d+ (?:dollars?|usd"
    r"|euros?|bucks|pounds?))\b|[$€£]\s?\d"
)
_ASKS = re.compile(
    r"\?|\b(?:do|does|is|are|can|could|will|would|how|what|wondering|any)\b[^.!?;。]{0,20}\b(?:u|you|i"
    r"|it|there|your|this|that|they)\b|\bhow to\b"
)
_NO_CASHBACK = re.compile(
    r"\b(?:my (?:bank|card|credit card|deposit|code|points)|rakuten|return(?:ed)? (?:one|it|them|this"
    r"|the item)|pay(?:ing)? (?:in|with|by|at|on) |(?:can'?t|cannot|can i) (?:see|find|edit|change"
    r"|review)|don'?t (?:want|take)|do not (?:want|take)|somebody asked|shipping free|free (?:shipping"
    r"|return|delivery)|checked|google|read (?:the|your|some|all)|the reviews (?:say|said|are)"
    r"|based on|because of|reviews? (?:my|of the rented|mention|say)|sent it back|didn'?t|haven'?t"
    r"|(?:bad|under|delete my|remove my|removed my|change my|edit my) reviews?|review removed|reviews? real"
    r"|not (?:get|got|received) (?:my )?(?:refund|money|parcel|order)|refund (?:the difference|me"
    r"|policy|request|my)|price (?:fell|drop))\b"
)
# Who the parcel goes to is asked: something to ask for, and the receiver.
_REQUEST = re.compile(
    r"\b(?:what|what'?s|whats|which|where|whose|who|whom|can u|can you|could you|please|pls|plz|kindly"
    r"|tell|give|send me|confirm|state|provide|share|need to know|like to know|want to know|remind)\b"
)
_RECEIVER = re.compile(
    r"\b(?P<what>(?:(?:delivery|shipping|ship-to|full|exact|complete|street|home|recipient|receiver"
    r"|customer|contact|house|flat|buyer|billing|registered|postal|post|zip|phone|mobile|tel|last"
    r"|delivery)(?:'s|s)? )*(?:add?ress|(?<!my )phone(?!s)|number (?:on|for|of|you have|is on)|mobile|cell"
    r"|recipient|receiver|contact no|postcode|postal code|zip ?code|house number|flat number"
    r"|ship-to name|delivery details|name and street|last name|name, tel|tel\b))"
    r"|\b(?P<where>(?:being |was |is |it )?(?:sent|shipped|ship|delivered|delivering|going"
    r"|go) to\b(?! (?:my|the|canada|uk|us|usa|germany|france|europe|australia|india|spain|work))"
    r"|to whom|where (?:was it|is it|did (?:it|you)) (?:delivered|sent|going|send|ship)"
    r"|where (?:does )?(?:she|he|they)? ?lives?|who (?:sent|ordered|bought|gets))\b"
)
_OWN_ADDRESS = re.compile(
    r"\b(?:change|update|correct(?: it)? to|new address|moved|wrong address|(?:2|two|different"
    r"|another) address(?:es)?|add my|delete|remove|hide|use (?:my|this)|do you (?:need|show|ship"
    r"|deliver)|does (?:the|it) (?:tracking )?show|(?:write|put|print) only|invoice|my (?:company'?s?"
    r"|new|office|work|old) address|my address is|(?:is|address:|number:|:) ?\d+ \w+ (?:street|st|road"
    r"|rd|ave|lane)|ship it to|send it to (?:my|the|this)|send to my|your (?:address|phone|number"
    r"|warehouse|shop|store|email|contact|return)|return address|return (?:it|the|this|to)"
    r"|number for support|pick ?up (?:point|address|from)|ship to|(?:do|can|will) (?:u|you) (?:ship"
    r"|deliver)|shop address|address of (?:your|the) (?:shop|store|warehouse)|country code"
    r"|number format|tracking (?:number|link)|no phone|without (?:a )?phone)\b"
)
# Somebody who is not the shop, and what was asked.
_IMPOSTOR = re.compile(
    r"\b(?:claim(?:ed|ing|s)? to be|pretend\w*|impersonat\w*|posing as|saying (?:he|she|they|it)(?:'s"
    r"|'re| is| are| was| were)|say(?:s|ing)? (?:he|she|they|he'?s|she'?s) (?:is |are |was )?(?:from "
    r"|your )|(?:false|fake) (?:shop|store|facebook|insta\w*|page|account|website|site|email|seller"
    r"|support|profile)|your \"?(?:colleague|instagram|insta|facebook|manager|agent)\b|(?:call|email"
    r"|e-mail|mail|text|sms|message|dm|whatsapp)\w*(?: \w+){0,3} (?:from|by|in|using) (?:\"|your"
    r"|the name of|you\b|somebody|someone|a \w+ saying)|calling me from your|(?:guy|man|woman|lady"
    r"|person|somebody|someone|one|caller) (?:who )?(?:\w+ ){0,3}(?:phoned|called|rang|calling|wrote"
    r"|texted|messaged|contacted|emailed|add(?:ed)?)|(?:someone|somebody)(?:'s)? (?:is )?(?:answering"
    r"|using|call(?:ed|ing)|text(?:ed|ing)|email(?:ed|ing)|messag(?:ed|ing)|wrote|contacted|phoned)"
    r"|(?:was|is) (?:that|it|this) (?:from )?(?:you|u|really you|real|legit)\b|(?:fake|scam|legit)\?"
    r"|(?:it|this|that|email|mail|message|call|sms|site|page) (?:\w+ )?real\?"
    r"|(?:you|yours),? (?:yes|right)\?|is that you|(?:number|email|gmail|account) (?:i found|isn'?t yours"
    r"|not yours"
    r"|is not yours)|not (?:from )?(?:you|yours)|message by text)"
)
_ASKED_OF_THEM = re.compile(
    r"\b(?:pay|paid|payed|transfer(?:red|ring)?|code|otp|pin|cvv|card|cards|bank|iban|link|click\w*"
    r"|log ?in|password|download|install\w*|app|deposit|fee|customs|money|gift ?cards?|bitcoin|crypto"
    r"|verify|verification|anydesk|teamviewer|scan|qr|zelle|details|usdt|tax|insurance|account is gone"
    r"|fell for it|rs is gone|[$€£]\s?\d[\d.]*|\d+ ?(?:usd|dollars|euros?|pounds|bucks|rs|\$|€|£))\b"
    r"|[$€£]\d"
)
_COURIER = re.compile(
    r"\b(?:courier|delivery (?:driver|man|guy)|driver|dhl|fedex|ups|usps|royal mail|dpd|postman"
    r"|mailman|evri|hermes|post office|pickup code|april fools|(?:i|my bank) (?:blocked|paid)"
    r"|is this shop|your (?:sms|support call)|sofa delivery)\b"
)


def is_english(folded: str) -> bool:
    """Whether to read a text here: Latin words and nothing of a script that other readers or nobody reads."""
    return _OTHER_SCRIPT.search(folded) is None and _WORD.search(folded) is not None


def plain(folded: str) -> str:
    """The text with one apostrophe for all, as the frames are written; every character keeps its place."""
    return folded.translate(_APOSTROPHES)


def names_reason(folded: str) -> bool:
    """Whether the buyer says what is wrong with goods or parcel."""
    folded = plain(folded)
    return _FAULT.search(folded) is not None and _FLAWLESS.search(folded) is None


def bargain(folded: str) -> tuple[list[Hit], int]:
    """The threats and demands that make a bargain together, and the largest sum, in hundredths.

    As `bargains.bargain`: nothing where a harm, a gain or what ties them is missing. Cost: one search, some
    thirty microseconds, for a message that wants nothing.
    """
    text = plain(folded)
    is_flawless = _FLAWLESS.search(text) is not None
    gains = list(islice(_gains(text, is_flawless), _MOST_OF_A_KIND))
    if not gains or _OWED.search(text) or _STORY.search(text) or _BUSINESS.search(text):
        return [], 0
    firm = [Hit("threat.exposure", *lie.span()) for lie in islice(_LIE.finditer(text), MAX_NUMBERS)]
    firm += islice(_harms(text, _FIRM), _MOST_OF_A_KIND)
    harms = firm or list(islice(_harms(text, _HINT), _MOST_OF_A_KIND))
    if not is_flawless and _names_fault(text, harms):
        return [], 0
    tied = [
        (harm, gain)
        for harm in harms
        for gain in gains
        if not _overlap(harm, gain) and _are_tied(text, harm, gain, is_firm=bool(firm))
    ]
    found = list(dict.fromkeys(hit for pair in tied for hit in pair))
    if not found:
        return [], 0
    sums = [_value(m[0]) for m in islice(_SUM.finditer(text), MAX_NUMBERS)]
    return found, max(sums, default=0)


def _harms(text: str, pattern: re.Pattern[str]) -> Iterator[Hit]:
    for found in pattern.finditer(text):
        before = text[max(0, found.start() - 40) : found.start()]
        if _PAST.search(before):
            continue
        if _DENIED.search(before) and not _CONDITION.search(text):
            continue
        if _ASKED.search(before) or _OTHERS.match(text, found.end()):
            continue
        if found["report"] and _MINE.search(before):
            continue
        if found["report"] and _STATE.search(found[0]) and not _CHOICE.search(text):
            continue
        yield Hit(f"threat.{found.lastgroup}", *found.span())


def _names_fault(text: str, harms: Sequence[Hit]) -> bool:
    """Whether something is wrong, and not only said to be told as wrong."""
    return any(
        not any(harm.start <= fault.start() < harm.end for harm in harms)
        for fault in _FAULT.finditer(text)
    )


def _gains(text: str, is_flawless: bool) -> Iterator[Hit]:
    for found in _GAIN.finditer(text):
        before = text[max(0, found.start() - 40) : found.start()]
        if _NOT_WANTED.search(before) or (found[0].startswith("pay") and _I_PAY.search(before)):
            continue
        code = "demand.money" if found.lastgroup == "money" else "demand.soft"
        yield Hit(code, *found.span())
    if is_flawless or _KEEPS.search(text):
        for found in _REFUND.finditer(text):
            if not _NOT_WANTED.search(text[max(0, found.start() - 40) : found.start()]):
                yield Hit("demand.money", *found.span())


def _are_tied(text: str, harm: Hit, gain: Hit, *, is_firm: bool) -> bool:
    start, end = min(harm.start, gain.start), max(harm.end, gain.end)
    if end - start > _NEAR + (harm.end - harm.start) + (gain.end - gain.start):
        return False
    around = (max(0, start - 50), min(len(text), end + 60))
    if _FIRM_TIE.search(text, *around):
        return True
    is_left = _OR.search(text[max(0, harm.start - 30) : harm.start]) is not None
    return is_firm and (is_left or _TIE.search(text, *around) is not None)


def _overlap(one: Hit, other: Hit) -> bool:
    return one.start < other.end and other.start < one.end


def _value(money: str) -> int:
    number = _NUMBER.search(money)
    if number is None:
        return 0
    thousands = 1000 if re.search(r"\dk\b|\d k\b", money) else 1
    return int(Decimal(number[0].replace(",", "")) * 100 * thousands)


def chat(folded: str) -> list[Hit]:
    """What a chat message asks or tells beside threats: cashback, a receiver, an impostor."""
    text = plain(folded)
    return [*_cashback(text), *_receiver(text), *scams(text)]


def _cashback(text: str) -> Iterator[Hit]:
    review, reward = _GOOD_REVIEW.search(text), _REWARD.search(text)
    if review and reward and _ASKS.search(text) and not _NO_CASHBACK.search(text):
        yield Hit("cashback", *review.span())


def _receiver(text: str) -> Iterator[Hit]:
    if not _REQUEST.search(text) or _OWN_ADDRESS.search(text):
        return
    for found in islice(_RECEIVER.finditer(text), MAX_NUMBERS):
        yield Hit("address.ask", *found.span())


def scams(text: str) -> Iterator[Hit]:
    """That somebody pretended to be the shop and wanted something."""
    impostor = _IMPOSTOR.search(text)
    if impostor and _ASKED_OF_THEM.search(text) and not _COURIER.search(text):
        yield Hit("scam", *impostor.span())
