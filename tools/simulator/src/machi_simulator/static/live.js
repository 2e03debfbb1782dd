"use strict";
// Keeps a page fresh and sends its forms without leaving it. Everything works without this file, by reloading.

const body = document.body;
const TYPED = "input:not([type=hidden]):not([type=image]),textarea,select";
const WRONG = "[role=dialog] [aria-invalid]:not(fieldset),[role=dialog] fieldset[aria-invalid] input";

// What the reader does to an element stays: an opened fold, words being typed, a chosen file, the pin of a map.
function copyAttributes(from, to) {
  const own = to.dataset?.own;
  for (const { name, value } of [...from.attributes]) if (name !== own && to.getAttribute(name) !== value) to.setAttribute(name, value);
  for (const { name } of [...to.attributes]) if (name !== own && !from.hasAttribute(name)) to.removeAttribute(name);
}

// Makes `to` like `from` and touches nothing that is alike already, so that focus, scrolling and typing stay.
function morph(from, to) {
  if (to.isEqualNode(from) || to.dataset?.own === "all") return;
  if (to.nodeType !== Node.ELEMENT_NODE) {
    to.nodeValue = from.nodeValue;
    return;
  }
  const drafted = to.matches("textarea") && from.defaultValue !== to.defaultValue && to !== document.activeElement;
  copyAttributes(from, to);
  if (drafted) to.value = from.value;
  const wanted = new Set([...from.children].map((each) => each.id).filter(Boolean));
  let place = to.firstChild;
  for (const fresh of [...from.childNodes]) {
    while (place && place.id && !wanted.has(place.id)) {
      const gone = place;
      place = place.nextSibling;
      gone.remove();
    }
    const known = fresh.id ? [...to.children].find((each) => each.id === fresh.id) : place && !place.id && place.nodeName === fresh.nodeName ? place : null;
    if (!known) to.insertBefore(document.importNode(fresh, true), place);
    else if (known === place) place = place.nextSibling;
    else to.insertBefore(known, place);
    if (known) morph(fresh, known);
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}

// Where a person was: the element, or what stands around it once it is gone.
function remembered() {
  const around = [];
  for (let each = document.activeElement; each && each !== body; each = each.parentElement) if (each.id) around.push(each.id);
  return { element: document.activeElement, around };
}

function restore({ element, around }) {
  if (element === body || (element.isConnected && element === document.activeElement)) return;
  for (const id of around) {
    const found = document.getElementById(id);
    if (!found || found.hidden || found.closest("[hidden]")) continue;
    found.focus({ preventScroll: true });
    if (document.activeElement === found) return;
  }
  document.getElementById("main").focus({ preventScroll: true });
}

// While a modal is open nothing behind it can be reached.
function holdFocus() {
  const dialog = document.querySelector("[role=dialog]");
  const veil = dialog?.closest("#modal");
  for (const part of [...body.children, ...document.getElementById("main").children]) part.inert = Boolean(dialog) && part !== veil && !part.contains(veil);
  return dialog;
}

let before = null;

function apply(fresh) {
  const was = remembered();
  const logs = [...document.querySelectorAll("[role=log]")].filter((log) => log.scrollHeight - log.scrollTop - log.clientHeight < 160).map((log) => [log, log.scrollHeight]);
  const open = document.querySelector("[role=dialog]")?.id;
  morph(fresh.querySelector("main"), document.querySelector("main"));
  morph(fresh.getElementById("alarm"), document.getElementById("alarm"));
  body.dataset.version = fresh.body.dataset.version;
  for (const [log, height] of logs) if (log.scrollHeight !== height) log.scrollTop = log.scrollHeight;
  const dialog = holdFocus();
  if (dialog && dialog.id !== open) {
    before = open ? before : was;
    dialog.focus();
  } else if (!dialog && open && before) restore({ element: document.createElement("i"), around: before.around });
  else restore(was);
  clocks();
}

// The page that was asked for; anything else is a failure.
async function read(answer) {
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

let acts = 0;

// A page asked for before an act was answered may show the time before it.
async function refresh() {
  const begun = acts;
  const fresh = await read(await fetch(location.href, { headers: { "x-live": "1" } }));
  if (begun === acts) apply(fresh);
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// At most a few times a second, and not while nobody looks: the simulator has other work.
async function follow() {
  let wait = 1000;
  for (;;) {
    try {
      if (document.hidden) await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
      const answer = await fetch(`${body.dataset.live}?since=${body.dataset.version}`);
      const { version } = await answer.json();
      if (String(version) !== body.dataset.version) await refresh();
      wait = 1000;
      await pause(200);
    } catch (error) {
      await pause(wait);
      wait = Math.min(2 * wait, 16000);
    }
  }
}

const busy = new WeakSet();

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.getAttribute("method") !== "post" || form.hasAttribute("data-plain")) return;
  const question = event.submitter?.dataset.confirm;
  event.preventDefault();
  if (busy.has(form) || (question && !window.confirm(question))) return;
  const data = new FormData(form, event.submitter);
  for (const spot of document.querySelectorAll("[data-unanswered]")) spot.textContent = "";
  busy.add(form);
  try {
    await send(form, data);
  } catch (error) {
    console.error(error);
    unanswered();
  } finally {
    busy.delete(form);
  }
});

// Until an answer is here nothing typed is lost, and in a view that stays nothing at all; what is wrong there gets the focus.
async function send(form, data) {
  const sent = form.getAttribute("enctype") === "multipart/form-data" ? data : new URLSearchParams(data);
  const answer = await fetch(form.getAttribute("action"), { method: "post", body: sent });
  const fresh = await read(answer);
  const here = new URL(answer.url);
  const stays = data.has("view") && fresh.querySelector(`input[name=view][value="${data.get("view")}"]`);
  if (!stays && !here.searchParams.has("notice")) finished(form);
  for (const said of ["notice", "notice_for", "open", "latitude", "longitude", "zoom", "at.x", "at.y"]) here.searchParams.delete(said);
  history.replaceState(null, "", here);
  acts += 1;
  apply(fresh);
  if (stays && data.get("kind") === "submit") document.querySelector(WRONG)?.focus();
}

// Says so where the reader is: in the modal, or above the page.
function unanswered() {
  const spot = [...document.querySelectorAll("[data-unanswered]")].find((each) => !each.closest("[inert]"));
  if (spot) spot.textContent = spot.dataset.unanswered;
}

// A sent form is empty, and its tray closes; the person goes back to where the tray was opened.
function finished(form) {
  form.reset();
  form.querySelectorAll("textarea").forEach((field) => (field.value = ""));
  form.dispatchEvent(new CustomEvent("finished", { bubbles: true }));
  const tray = form.closest("details.tray-of") ?? form.querySelector("details.tray-of[open]");
  if (!tray) return;
  const inside = tray.contains(document.activeElement);
  tray.open = false;
  if (inside) tray.querySelector("summary").focus();
}

document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard.writeText(copy.dataset.copy);
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    event.preventDefault();
    const tray = document.getElementById(opener.dataset.opens);
    tray.open = true;
    const first = [...tray.querySelectorAll(`svg[tabindex],${TYPED}`)].find((each) => each.getClientRects().length);
    (first || tray.querySelector("summary")).focus();
  }
});

document.addEventListener("keydown", (event) => {
  // Keys that choose among Japanese words; Safari tells the last of them by its number alone.
  if (event.isComposing || event.keyCode === 229) return;
  if (event.key === "Enter" && !event.shiftKey && event.target.matches("[data-enter]")) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
  if (event.key !== "Escape") return;
  const close = document.querySelector("[role=dialog] [data-close]");
  const fold = event.target.closest("details.tray-of[open], details.prefs[open]");
  if (close) close.click();
  else if (fold) {
    fold.open = false;
    fold.querySelector("summary").focus();
  }
});

// Shows what was chosen before it is sent, and keeps to three photos.
document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-photos]");
  if (form && event.target.type === "file") preview(form, event.target);
});
document.addEventListener("finished", (event) => {
  if (event.target.matches("[data-photos]")) preview(event.target, event.target.querySelector("input[type=file]"));
});

// Too many are put back at once: what is wrong in a closed tray would hold up the form, and nobody would see why.
function preview(form, input) {
  const list = form.querySelector(".previews");
  const many = input.files.length > 3;
  if (many) input.value = "";
  list.querySelectorAll("img").forEach((image) => URL.revokeObjectURL(image.src));
  list.replaceChildren(...[...input.files].map(thumbnail));
  form.querySelector(".error").textContent = many ? list.dataset.many : "";
}

function thumbnail(file) {
  const item = document.createElement("li");
  const image = document.createElement("img");
  image.src = URL.createObjectURL(file);
  image.alt = file.name;
  item.append(image);
  return item;
}

function clocks() {
  const now = new Date().toLocaleTimeString("ja-JP", { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Tokyo" });
  document.querySelectorAll("[data-clock]").forEach((each) => (each.textContent = now));
}

const atFirst = holdFocus();
if (atFirst) (document.querySelector(WRONG) || atFirst).focus();
clocks();
for (const log of document.querySelectorAll("[role=log]")) log.scrollTop = log.scrollHeight;
if (location.hash) {
  const spot = document.getElementById(location.hash.slice(1));
  if (spot?.matches("details")) spot.open = true;
}
if (body.dataset.live) follow();
