// Keeps open pages current: when the server says that something changed, the page is fetched again and
// the parts marked with data-swap are replaced. Without script, everything still works by reloading.
(() => {
  "use strict";
  const here = document.body.dataset.here;
  // A page that answers a form would, on the way back to it or when it is loaded again, ask whether to send
  // that form once more, or be no page at all: the browser remembers the address that it can be read at.
  if (document.body.dataset.answers === "yes") history.replaceState(null, "", here);
  const lamp = document.getElementById("live");
  // Times left are words made by the server, so they are fetched anew now and then.
  const RELOAD_MS = 60000;
  const SPACING_MS = 400;
  const LISTEN_AGAIN_MS = 3000;
  const ANSWERS_MS = 10000;
  let version = null;
  let isFetching = false;
  let isWanted = false;
  let source = null;

  function isBusy(part) {
    // A form that is replaced while it is being sent is never sent.
    if (part.querySelector("form[data-sent]")) return true;
    const active = document.activeElement;
    // A box that somebody left unchecked holds nothing.
    if (part.contains(active) && active.matches("input:not([type=checkbox]), select, textarea")) return true;
    return [...part.querySelectorAll("input, select")].some((field) =>
      // Chosen alerts may come chosen with the page, for the next step.
      field.type === "checkbox" ? field.checked
        : field.type === "radio"
        ? field.checked !== field.defaultChecked
        : field.tagName === "SELECT"
          ? ![...field.options].every((option) => option.selected === option.defaultSelected || !option.value)
          // A note may come with the page, when the step that it belongs to was not taken.
          : field.type !== "hidden" && field.value !== "");
  }

  // Hidden fields differ in every copy of a page: what a person sees is what is compared. A box holds the
  // version of its alert.
  function seen(part, withTimes = true) {
    const copy = part.cloneNode(true);
    copy.querySelectorAll('[name="request_id"], [name="token"]').forEach((field) => field.remove());
    copy.querySelectorAll("input:not([type=hidden]):not([type=checkbox])")
      .forEach((field) => field.removeAttribute("value"));
    copy.querySelectorAll("output").forEach((words) => { words.textContent = ""; });
    copy.querySelectorAll(".bulk").forEach((form) => form.classList.remove("some", "much"));
    copy.querySelectorAll("button").forEach((button) => button.removeAttribute("disabled"));
    copy.querySelectorAll("[name=reason]").forEach((field) => field.removeAttribute("required"));
    if (!withTimes) copy.querySelectorAll("time, [checked]").forEach((one) => {
      one.removeAttribute("checked");
      if (one.matches("time")) one.remove();
    });
    copy.querySelectorAll(".fresh").forEach((row) => row.classList.remove("fresh"));
    copy.querySelectorAll('[class=""]').forEach((row) => row.removeAttribute("class"));
    return copy.innerHTML;
  }

  // The same link or button in a newer copy of its part: a keyboard stays where it was.
  function twin(node, focused) {
    const name = (one) =>
      `${one.tagName} ${one.getAttribute("href") ?? one.form?.action ?? one.parentElement.textContent} ${one.name ?? ""}`;
    return [...node.querySelectorAll("a, button, summary, [type=checkbox]")].find((one) => name(one) === name(focused));
  }

  function swap(fresh) {
    document.title = fresh.title;
    // The session may be another one by now (a restart, somebody signed in on another tab), and a form
    // that is kept would be refused with its old token.
    const token = fresh.querySelector("[name=token]");
    if (token) document.querySelectorAll("[name=token]").forEach((field) => { field.value = token.value; });
    let isStale = false;
    let arrived = 0;
    for (const part of document.querySelectorAll("[data-swap]")) {
      const next = fresh.getElementById(part.id);
      if (!next || seen(next) === seen(part)) continue;
      if (isBusy(part)) {
        // That minutes have passed is no news.
        isStale = isStale || seen(next, false) !== seen(part, false);
        continue;
      }
      const known = new Set([...part.querySelectorAll("[data-alert]")].map((row) => row.id));
      const opened = [...part.querySelectorAll("details")].map((details) => details.open);
      const node = document.importNode(next, true);
      node.querySelectorAll("details").forEach((details, n) => { details.open = Boolean(opened[n]); });
      node.querySelectorAll("[data-alert]").forEach((row) => {
        if (known.has(row.id)) return;
        row.classList.add("fresh");
        arrived += 1;
      });
      const focused = part.contains(document.activeElement) ? document.activeElement : null;
      part.replaceWith(node);
      if (focused) twin(node, focused)?.focus({ preventScroll: true });
    }
    const stale = document.getElementById("stale");
    if (stale) stale.hidden = !isStale;
    const news = document.getElementById("news");
    if (arrived) news.textContent = news.dataset.words.replace("#", arrived);
    count();
  }

  // For how many alerts a box stands: one, or those of a group.
  function alerts(box) {
    return Number(box.dataset.n ?? 1);
  }

  // Choose as many of the page as a step takes, from the top; once more, none.
  function chooseAll(form, isWanted) {
    const boxes = [...form.querySelectorAll(".pick input")];
    let room = isWanted ? Number(form.querySelector("output").dataset.most) : 0;
    const wanted = boxes.map((box) => {
      const fits = alerts(box) <= room;
      if (fits) room -= alerts(box);
      return fits;
    });
    const isSame = boxes.every((box, n) => box.checked === wanted[n]);
    boxes.forEach((box, n) => { box.checked = wanted[n] && !isSame; });
  }

  // How many alerts are chosen on a list. What to do with them is asked once there are any.
  function count() {
    for (const form of document.querySelectorAll("form.bulk")) {
      const boxes = [...form.querySelectorAll(".pick input")];
      const ticked = boxes.filter((box) => box.checked);
      const chosen = ticked.reduce((sum, box) => sum + alerts(box), 0);
      const words = form.querySelector("output");
      const most = Number(words.dataset.most);
      const all = form.querySelector(".all input");
      all.checked = ticked.length === boxes.length;
      all.indeterminate = chosen > 0 && ticked.length < boxes.length;
      form.classList.toggle("some", chosen > 0);
      form.classList.toggle("much", chosen > most);
      const said = chosen >= most ? words.dataset.full : words.dataset.words;
      words.textContent = chosen ? said.replace("#", chosen) : "";
      form.querySelectorAll("button").forEach((button) => { button.disabled = chosen > most; });
      if (!chosen) form.querySelector("select").selectedIndex = 0;
    }
  }

  async function refresh() {
    if (isFetching) { isWanted = true; return; }
    isFetching = true;
    try {
      const answer = await fetch(here, { headers: { accept: "text/html" } });
      if (answer.redirected) {
        // The session is over. Whoever is typing signs in on another tab, and goes on here.
        if ([...document.querySelectorAll("[data-swap]")].some(isBusy)) show(false);
        else location.reload();
        return;
      }
      if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
      // The connection may be up and the database away.
      show(answer.ok && source?.readyState === EventSource.OPEN);
    } catch {
      show(false);
    } finally {
      await new Promise((done) => setTimeout(done, SPACING_MS));
      isFetching = false;
      if (isWanted) { isWanted = false; refresh(); }
    }
  }

  function show(isOn) {
    lamp.textContent = isOn ? lamp.dataset.on : lamp.dataset.off;
    lamp.className = isOn ? "live on" : "live off";
  }

  function listen() {
    const stream = new EventSource("/events");
    source = stream;
    stream.addEventListener("open", () => show(true));
    stream.addEventListener("error", () => {
      show(false);
      // After a restart the same version may stand for another session.
      version = null;
      // A browser tries again by itself, but not after an answer that is no stream, such as that of a
      // proxy while the console restarts.
      if (stream.readyState === EventSource.CLOSED) {
        setTimeout(() => { if (source === stream) listen(); }, LISTEN_AGAIN_MS);
      }
    });
    stream.addEventListener("changed", (event) => {
      // The first word after a connection may stand for what was missed while there was none.
      if (event.data !== version) refresh();
      version = event.data;
    });
  }

  // A browser allows six connections to a host: a hidden tab gives its own back and looks once a minute.
  function follow() {
    if (document.hidden) { if (source) source.close(); source = null; }
    else if (!source) { listen(); refresh(); }
  }

  // Sent into a lost connection, a form would give way to a page of the browser's own, and what was typed
  // would be gone with it: so the console is asked for a sign of life first. Of two forms that wait for it,
  // only the later one would be sent.
  let isAsking = false;
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    // A download leaves the page as it is, whatever becomes of it.
    if (form.method !== "post" || event.submitter?.hasAttribute("formaction")) return;
    event.preventDefault();
    if (isAsking || form.dataset.sent) return;
    isAsking = true;
    form.dataset.sent = "yes";
    const lost = document.getElementById("lost");
    // Not AbortSignal.timeout: a browser without it could send nothing at all.
    const patience = new AbortController();
    const limit = setTimeout(() => patience.abort(), ANSWERS_MS);
    try {
      const answer = await fetch("/healthz", { signal: patience.signal });
      // A proxy may keep the probes to itself, so any other answer is a sign of life as well.
      if (answer.status >= 500) throw new Error(answer.status);
      lost.hidden = true;
      form.submit();
      // Whoever stopped waiting may send it again: it is known by its request_id.
      setTimeout(() => delete form.dataset.sent, ANSWERS_MS);
    } catch {
      delete form.dataset.sent;
      lost.hidden = false;
      lost.scrollIntoView({ block: "center" });
    } finally {
      clearTimeout(limit);
      isAsking = false;
    }
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
    // The browser may have kept what was chosen.
    count();
  });
  document.documentElement.classList.add("scripted");
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form.bulk");
    if (!form || event.target.type !== "checkbox") return;
    if (event.target.closest(".all")) chooseAll(form, event.target.checked);
    count();
    // What came meanwhile is shown at once.
    if (!form.classList.contains("some") && !document.getElementById("stale")?.hidden) refresh();
  });
  // Why a top-up failed is asked for where it is typed: on the next page, of many alike, nobody finds the line.
  document.addEventListener("change", (event) => {
    if (event.target.name !== "result") return;
    event.target.form.elements.reason.required = event.target.value === "failed";
  });
  // Of tabs that are scrolled sideways the current one is in view, also once the lamp beside them has its
  // words or a telephone was turned; and the one that the keyboard has come to, which a browser may leave
  // half cut off.
  const tabs = document.querySelector(".tabs");
  function showTab(tab) {
    if (tab) tabs.scrollLeft = tab.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
  }
  const showCurrent = () => showTab(tabs.querySelector("[aria-current]"));
  showCurrent();
  new ResizeObserver(showCurrent).observe(tabs);
  // Not the one that a mouse presses: it would be gone from under it before it is clicked.
  tabs.addEventListener("focusin", (event) => showTab(event.target.closest("a:focus-visible")));
  // Whoever comes back from an alert comes back to the filters and the page that they left.
  const back = document.querySelector("a[data-back]");
  const from = sessionStorage.getItem("list");
  if (back && from) back.href = from;
  if (document.querySelector("#list, #queue, #audit")) {
    const list = new URL(here, location.origin);
    list.searchParams.delete("lang");
    sessionStorage.setItem("list", list.pathname + list.search);
  }
  document.querySelectorAll(".filters select").forEach((select) =>
    select.addEventListener("change", () => select.form.requestSubmit()));

  if (document.body.dataset.live === "yes") {
    document.addEventListener("visibilitychange", follow);
    // A page that was opened behind another one is hidden from the beginning.
    if (!document.hidden) listen();
    setInterval(refresh, RELOAD_MS);
  }
})();
