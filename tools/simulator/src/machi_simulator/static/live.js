"use strict";
// Keeps a page fresh and sends its forms without leaving it. Everything works without this file, by reloading.

const body = document.body;

function copyKeyed(from, to) {
  const wanted = [...from.children];
  const names = new Set(wanted.map((row) => row.id));
  for (const row of [...to.children]) if (!names.has(row.id)) row.remove();
  wanted.forEach((row, at) => {
    const known = document.getElementById(row.id);
    if (known && known.isEqualNode(row)) return;
    if (known && known.contains(document.activeElement) && document.activeElement.matches("input:not([type=hidden]),textarea,select")) return;
    const fresh = document.importNode(row, true);
    if (known) known.replaceWith(fresh);
    else to.insertBefore(fresh, to.children[at] || null);
  });
}

function typing(part) {
  const active = document.activeElement;
  return part.contains(active) && active.matches("input:not([type=hidden]),textarea,select");
}

// While a modal is open nothing behind it can be reached.
function holdFocus() {
  const dialog = document.querySelector("[role=dialog]");
  for (const part of body.children) if (part.id !== "modal") part.inert = Boolean(dialog);
  return dialog;
}

function apply(html, force) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const hadFocus = document.activeElement;
  const list = document.querySelector("[role=log]");
  const low = list && list.scrollHeight - list.scrollTop - list.clientHeight < 120;
  let added = false;
  for (const part of document.querySelectorAll("[data-part]")) {
    const next = fresh.getElementById(part.id);
    if (!next || part.isEqualNode(next) || (!force && typing(part))) continue;
    part.replaceChildren(...[...next.childNodes].map((node) => document.importNode(node, true)));
  }
  for (const part of document.querySelectorAll("[data-keyed]")) {
    const next = fresh.getElementById(part.id);
    if (!next) continue;
    added = added || next.children.length > part.children.length;
    copyKeyed(next, part);
  }
  body.dataset.version = fresh.body.dataset.version;
  if (list && (low || force) && added) list.scrollTop = list.scrollHeight;
  const dialog = holdFocus();
  if (dialog && !dialog.contains(document.activeElement)) dialog.focus();
  else if (!document.contains(hadFocus)) (document.querySelector("#text") || document.querySelector("h1")).focus();
}

async function refresh(force) {
  const answer = await fetch(location.href, { headers: { "x-live": "1" } });
  if (answer.ok) apply(await answer.text(), force);
}

async function follow() {
  for (;;) {
    try {
      const answer = await fetch(`${body.dataset.live}?since=${body.dataset.version}`);
      const { version } = await answer.json();
      if (String(version) !== body.dataset.version) await refresh(false);
    } catch (error) {
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.getAttribute("method") !== "post" || form.hasAttribute("data-plain")) return;
  const question = event.submitter?.dataset.confirm;
  event.preventDefault();
  if (question && !window.confirm(question)) return;
  const data = new FormData(form, event.submitter);
  const buttons = form.querySelectorAll("button");
  buttons.forEach((button) => (button.disabled = true));
  const sent = form.getAttribute("enctype") === "multipart/form-data" ? data : new URLSearchParams(data);
  try {
    const answer = await fetch(form.getAttribute("action"), { method: "post", body: sent });
    const here = new URL(answer.url);
    if (!here.searchParams.has("notice")) {
      form.reset();
      form.querySelectorAll("textarea").forEach((field) => (field.value = ""));
      if (form.closest(".tools details")) form.closest("details").open = false;
    }
    here.searchParams.delete("notice");
    history.replaceState(null, "", here);
    apply(await answer.text(), true);
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
});

document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard.writeText(copy.dataset.copy);
  const opener = event.target.closest('a[href*="#photo"], a[href*="#place"]');
  if (opener) {
    event.preventDefault();
    const target = document.querySelector(opener.hash);
    target.open = true;
    target.scrollIntoView({ block: "nearest" });
    target.querySelector("input:not([type=hidden])").focus();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target.matches("[data-enter]")) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
  if (event.key === "Escape") document.querySelector("[role=dialog] [data-close]")?.click();
});

holdFocus()?.focus();
const log = document.querySelector("[role=log]");
if (log) log.scrollTop = log.scrollHeight;
if (body.dataset.live) follow();
