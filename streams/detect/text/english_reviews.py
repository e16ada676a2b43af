"""Reviews in English: advertising, insults, and what is given away of others.

What a newcomer gets wrong: harsh words about goods and links to pictures are ordinary. An insult is said of
somebody, and an advertisement says how to get in touch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from streams.detect.text.english import plain, scams
from streams.detect.text.lexicon import Hit
from streams.detect.text.numbers import MAX_NUMBERS

# A way to get in touch, or to get there.
_WAY = re.compile(
    r"\b(?:dm|pm|inbox|message|msg|text|whats\s?app|whatsap|telegram|signal|snap|insta(?:gram)?"
    r"|facebook|line id|email|call|contact|hit|ping|reach|write)\b[^.!?;。]{0,24}(?:\bme\b|\bus\b|@\w"
    r"|\+?\d[\d\s()-]{5,}|\bfor (?:price|details|info))"
    r"|\bcontact\b[^.!?;。]{0,40}\bon (?:facebook|whats\s?app|telegram|instagram)|https?://\S+"
    r"|\bwww\.\S+|\b[a-z0-9-]+\.(?:com|net|org|shop|store|xyz|io|me|ly|link|site|club|top|info|online"
    r"|app|deals|biz|example)\b(?:/\S*)?|\blink (?:in|on|at|i share)\b|\bmy (?:profile|bio|page"
    r"|channel|website|site|etsy|ebay|insta\w*|telegram)\b|@[a-z0-9_.]{3,}|\b(?:promo|coupon|invite"
    r"|referral|code|use|search number)\b:? (?:\w+ )?(?:[a-z]+-?\d+[a-z0-9]*|\d+[a-z]+\d*|\d{5,})\b"
    r"|\b(?:code|type) [a-z]{6,}\b(?= (?:in|for|at)\b)|\bt\.me\b|\bbit\.ly\b|\b(?:vinted|alibaba|etsy"
    r"|ebay|temu|shpock)\b[^.!?;。]{0,12}\b(?:user|search|store|code|\")|\b555-\d{4}\b"
    r"|\b\d{3}[\s-]\d{3}[\s-]\d{4}\b|\bwe'?re at the market\b"
)
_ADS = re.compile(
    r"(?P<part_time>\b(?:work(?:ing)? (?:from|at) home|home[\s-]based|from (?:home|(?:your|ur"
    r"|my) (?:sofa|couch|phone|bed))|wfh|(?:part|full)[\s-]?time(?: job| work)?|side (?:hustle|income"
    r"|gig|job)|(?:extra|passive|steady|weekly|second|own|monthly) (?:income|cash|money|pay\w*)"
    r"|earn(?:ing|ings|s|ed)?(?! my) (?:\w+ ){0,2}?(?:money|cash|income|\d|[$€£])|(?:make|making"
    r"|made) (?:\w+ ){0,2}(?:money|a day|a week|a month)|we hire|hiring|recruit\w*|vacanc\w*|jobs?\b"
    r"|remote(?! control| has| is| was| works?)|per (?:day|hour|week|month|task|assignment)|(?:a|each"
    r"|every) (?:day|week|hour|task"
    r"|month) (?:from|by|just|only)|data (?:entry|typing)|no experience|financial freedom"
    r"|opportunit\w*|trading(?! cards?)|forex|mentor|profits?|invest(?:ment|or|ing)?|mystery shopper"
    r"|(?<!i )(?<!we )get paid"
    r"|paid (?:daily|weekly)|salary|flexible hours|order boosters|(?:agents?|testers?|reviewers?"
    r"|drivers?|helpers?|packers?|people|staff|girls|models|students|typists?|moms|mums) (?:wanted"
    r"|needed)|looking for (?:\w+ ){0,3}(?:people|agents?|partners?|girls|team|members|drivers?"
    r"|helpers?)|my team|join (?:my|our) team|quit my|9[\s-]to[\s-]5)\b)"
    r"|(?P<cashback>\b(?:cash ?back|rebates?|earn (?:back|points|on every|\d+ ?%)|reimburse\w*"
    r"|refund (?:100|50|full)\b[^.!?;。]{0,20}\breview|free products? for)\b)"
    r"|(?P<affiliate>\b(?:promo\w*|coupons?|vouchers?|discounts?|my code|(?<!qr )code\b|referral|refer"
    r"|affiliate|deals|bargains|invite|invitation|extra \d+ off|\d+ ?% off|(?:\d+|money|[$€£]\d+) off"
    r"|save (?:\d|[$€£]|money)|free (?:shipping|credit|gift|trial)|bundle|sign[\s-]?up"
    r"|(?:click )?accept my gift|use my|we both|first order|new users?|swipe up|hauls?|storefront"
    r"|all my (?:\w+ )?(?:finds|favou?rites|links))\b)"
    r"|(?P<resale>\b(?:(?:i|we)(?:'m| am| are|'re| can| do)? (?:also |too |still |have )?(?:sell"
    r"|selling|make|stock|produce|import|manufactur\w*|offer|print|supply|carve|repair|build|sew|bake"
    r"|breed)|my (?:son|wife|husband|brother|sister|mom|mum|dad|company|factory|family|friend|uncle"
    r"|cousin) (?:\w+ )?(?:sells?|carves?|makes?|produces?|sews?|builds?|repairs?)|(?:check out |at "
    r"|visit |on )(?:my|our) (?:\w+ )?(?:shop|store|etsy|page|site|website|stall|market)|same item"
    r"|sell(?:ing|s)? (?:mine|this|my|it|them|the|one|two|brand new|\d+|leather|replica|used)|for sale"
    r"|buy (?:from (?:me|us)|mine|direct)|wholesale|moq|bulk (?:orders?|prices?)|factory (?:price"
    r"|direct)|price list|replica\w*|cheaper|for less|half (?:the )?price|best prices?|(?<!back )in stock"
    r"|second hand|never (?:used|worn|opened)|worn once|make me an offer|(?:taking|open to) offers"
    r"|o\.?n\.?o\b|obo\b|lowest price|get rid of|collection (?:from|only)|pick ?up (?:in|from|only)"
    r"|available too|puppies|mine is|better version|print this|handmade by|hand[\s-]?made"
    r"|custom (?:made|orders?|ones)|taking orders|orders welcome)\b)"
)
_AD_STORY = re.compile(
    r"\b(?:card (?:inside|in the)|(?:inside|in) the (?:box|package|parcel)|beware|don'?t (?:trust|fall"
    r"|click)|do not (?:trust|fall|click)|asked me to|promised|seller (?:sent|asked|offered|wanted)"
    r"|i (?:posted|used?) (?:\w+ ){1,3}(?:and (?:got|paid|saved)|on my)|no code|code (?:didn'?t|doesn'?t"
    r"|worked)|didn'?t work|doesn'?t work|(?:i|my (?:wife|husband"
    r"|daughter|son|mom|mum)) works?|my part[\s-]?time|customer (?:service|support)|refund me"
    r"|contact(?:ed)? (?:the seller|support|them|seller|customer))\b"
)
# Names that only people are called; who is meant stands in the same sentence.
_NAMES = re.compile(
    r"\b(?:idiots?|morons?|imbeciles?|retard(?:s|ed)?|scum(?:bags?)?|assholes?|arseholes?|a-?holes?"
    r"|bitch(?:es)?|bastards?|cunts?|dickheads?|pricks?|wankers?|tossers?|cretins?|losers?|thieves"
    r"|thief|crooks?|con ?m[ae]n|liars?|parasites?|subhumans?|sons? of (?:a )?bitch(?:es)?|muppets?"
    r"|twats?|slut|whore|hag|witch|half[\s-]?wits?|jackass(?:es)?|motherfuckers?|fuckers?|fuckwits?"
    r"|shitheads?|degenerates?|creeps?|nitwits?|dimwits?|bellends?|nazi|toad(?! in)|clowns?|(?:dumb|dumbest"
    r"|stupid|lazy|fat|ugly|filthy|dirty|greedy|crazy|worst) (?:\w+ ){0,3}?(?:cow|dog|pig|rat|rats|bum"
    r"|monkeys?|donkeys?)|brain[\s-]?dead|waste of (?:oxygen|space|air)|pieces? of (?:shit|crap"
    r"|garbage|trash)|joke of a human|sick in the head|mentally ill|pig person)\b"
)
_SOMEBODY = re.compile(
    r"\b(?:you|u|ur|you'?re|your \"?(?:expert|staff|team|support|agents?|people|boss)|sellers?|owner"
    r"|guy|bloke|woman|lady|girl|man|boy|agents?|staff|people|team|support|rep|manager|shopkeepers?"
    r"|customer (?:service|support)|employees?|packers?|workers?|call cent(?:re|er)|assistants?"
    r"|salesman|boss|he|she|they|whoever|named|called|at the desk|mr\.?|mrs|ms|kevin|this (?:shop"
    r"|store|company)|(?:the|this) (?:crook|clown)|one (?:reading|who))\b"
)
_NO_INSULT = re.compile(
    r"\b(?:i(?:'m| am| was| felt| feel|'ve been)(?: like)?(?: \w+){0,3}|my (?:\w+ ){0,2}|like an?"
    r"|about an?|for"
    r"|call(?:ed|s|ing)? (?:me|us)(?: an?)?|calls? (?:him|her|my)|son of a|\w+[\s-]proof|(?:no|not"
    r"|isn'?t|aren'?t|wasn'?t|weren'?t) (?:an? |the )?(?:\w+ )?)\s?$"
)
_NO_PERSON = re.compile(
    r"\b(?:to (?:open|assemble|clean|carry|build|fit|remove|put)|proof\b|costume|mask|hat|movie|film"
    r"|book|card game|game|dvd|poster|figure|doll|halloween|play)"
)
_PERSON = (
    r"(?:you(?:'re| are| r)|u (?:r|are)|(?:the |this |that |your |these |those "
    r"|their )(?:\w+ )?(?:sellers?|owners?|guy|woman|lady|girl|man|boy|agents?|staff|people|team"
    r"|support|rep|manager|shopkeepers?|customer (?:service|support)(?: \w+)?|employees?|packers?"
    r"|workers?|person|dude|assistants?)|sellers?|he|she|they|customer (?:service|support)"
    r"|support(?: guy)?|staff|owner)"
)
_CALLED = re.compile(
    rf"\b{_PERSON}(?:'s|'re| is| are| was| were| must be| seems?)?(?: =)?(?: (?:a|an|the|just|such|so"
    rf"|all|both|complete(?:ly)?|total(?:ly)?|absolute(?:ly)?|utter(?:ly)?|fucking|bloody|damn|real"
    rf"|bunch of|pack of|nothing but|and|rude and|ignorant|greedy|dirty|lying|lazy))* (?:stupid"
    rf"|dumb(?:ass)?|brainless|pathetic|worthless|pigs?|rats?|monkeys?|donkeys?|dogs?|clowns?|scum"
    rf"|trash|garbage|vermin|fat|ugly|filthy|disgusting|fools?|liars?|a joke)\b"
    r"(?! (?:on|for|at|to|who (?:loves?|likes?))\b)"
    r"|\bfuck (?:you|u|off|ya)\b(?! over\b)|(?:^|[.!?,;]\s?)screw (?:you|u|ya)\b(?! over\b)"
    r"|\b(?:fuck|screw) (?:these people|this seller|the seller)\b|\bgo (?:to hell|die"
    r"|kill)\b|\b(?:kill|hang) (?:yourself|urself)\b|\brot in hell\b|\bhope (?:you|u|he|she|they"
    r"|your \w+) (?:\w+ )?(?:die|dies|rot|suffer|burn|choke|get cancer)\b|\b(?:kys|stfu)\b"
)
_PHONE = re.compile(
    r"(?<![\d.])(?:\+?\d{1,3}[\s.-]?)?(?:\(\d{2,4}\)|\d{2,5})[\s.-]\d{3,4}(?:[\s.-]?\d{2,4})?(?!\d)"
)
_STREET = re.compile(
    r"\b\d{1,5}[a-z]? (?:[a-z]+ ){1,3}?(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|close|court|ct"
    r"|way|walk|place|pl|crescent|boulevard|blvd|terrace|gardens?|square|hill|row|park|circle)\b"
)
_WHOSE = re.compile(
    r"\b(?:he|she|his|her|him|(?:the|this|that) (?:seller|owner|guy|woman|man|agent|driver|courier"
    r"|manager|buyer|neighbou?r|scammer|thief|clown|person|crook|ceo|lady)'?s?|seller'?s?|owner'?s?"
    r"|ceo'?s|address of|ask for|real name|(?:another|other) customer|my neighbou?r|lives? (?:at|on"
    r"|in)|home (?:address|number)|(?:personal|private) (?:number|address|phone|cell)|pay (?:him|her"
    r"|them) a visit|named|mr|mrs|ms)\b"
)
_OWN_NUMBER = re.compile(
    r"\b(?:delivered|left|dropped(?: off)?|given|brought|sent|went)(?: it)? (?:to|with|at|by) (?:my|the"
    r"|our|a)"
    r" neighbou?r\b[^.!?;。]{0,20}$|\b(?:my (?!neighbou?r)|i |me |mine|our )[^.!?;。]{0,20}$"
    r"|\b(?:customer (?:service|support|care)"
    r"|service|support|hotline|helpline|help line|toll free|store|shop|warehouse|returns?|office"
    r"|showroom|branch|repair|pharmacy|parcel shop|locker|museum|restaurant)\b[^.!?;。]{0,40}$"
)
_LEAK_TOLD = re.compile(
    r"\b(?:leaked|gave (?:out|away)|shared|exposed|published|sold) my\b|\bmy (?:\w+ )?(?:data|details"
    r"|number|address|info\w*) (?:was|were|got|has been)\b"
)


def review(folded: str) -> list[Hit]:
    """Advertising, insults, and what is given away of others."""
    text = plain(folded)
    return [*_advertising(text), *_insults(text), *_leaks(text), *scams(text)]


def _advertising(text: str) -> Iterator[Hit]:
    if _AD_STORY.search(text):
        return
    ways = [m.span() for m in islice(_WAY.finditer(text), MAX_NUMBERS)]
    told: set[str] = set()
    for lure in _ADS.finditer(text) if ways else ():
        kind = f"ad.{lure.lastgroup}"
        if kind not in told:
            told.add(kind)
            yield Hit(kind, *lure.span())


def _insults(text: str) -> Iterator[Hit]:
    for found in islice(_CALLED.finditer(text), MAX_NUMBERS):
        yield Hit("abuse.person", *found.span())
    for found in islice(_NAMES.finditer(text), MAX_NUMBERS) if _SOMEBODY.search(text) else ():
        before = text[max(0, found.start() - 30) : found.start()]
        if not _NO_INSULT.search(before) and not _NO_PERSON.search(
            text, found.end(), found.end() + 20
        ):
            yield Hit("abuse.person", *found.span())


def _leaks(text: str) -> Iterator[Hit]:
    if _LEAK_TOLD.search(text):
        return
    for code, pattern in (("leak.phone", _PHONE), ("leak.address", _STREET)):
        for found in islice(pattern.finditer(text), MAX_NUMBERS):
            before = text[max(0, found.start() - 60) : found.start()]
            if _WHOSE.search(before) and not _OWN_NUMBER.search(before):
                yield Hit(code, *found.span())
