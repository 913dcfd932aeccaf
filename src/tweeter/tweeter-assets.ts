/**
 * The style and the script of Tweeter's pages, and their addresses, which change with what is in them. Long because they
 * are kept as text here: one bundled file serves the page from a checkout, from the package and from a container alike.
 */
import { createHash } from "node:crypto";

export interface Asset {
  readonly type: string;
  readonly body: string;
}

const style = `
:root { --ground: #f3f6f9; --card: #fff; --ink: #14212e; --soft: #5c6f80; --line: #dfe6ec; --accent: #0b7285; --accent-ink: #fff; --warn: #c92a2a; --shade: 0 1px 2px rgb(20 33 46 / 8%); }
@media (prefers-color-scheme: dark) {
  :root { --ground: #0f161d; --card: #17212b; --ink: #e6edf3; --soft: #93a5b5; --line: #263442; --accent: #3bc9db; --accent-ink: #08262b; --warn: #ff8787; --shade: none; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.45 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.column { max-width: 640px; margin: 0 auto; padding: 0 16px; }
.top { position: sticky; top: 0; z-index: 1; background: var(--card); border-bottom: 1px solid var(--line); }
.top .column { display: flex; align-items: center; justify-content: space-between; height: 56px; }
.brand { display: flex; align-items: center; gap: 10px; color: var(--ink); font-weight: 700; font-size: 1.15rem; }
.brand:hover { text-decoration: none; }
nav a { color: var(--soft); margin-left: 18px; }
main.column { padding-top: 20px; padding-bottom: 24px; }
[data-page=status] main.column { max-width: 860px; }
.hidden { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
.compose, .feed, .message { background: var(--card); border: 1px solid var(--line); border-radius: 14px; box-shadow: var(--shade); }
.compose { padding: 14px 16px; margin-bottom: 16px; }
.compose .handle { display: inline-flex; align-items: center; color: var(--soft); font-weight: 600; margin-bottom: 8px; }
.compose input[name=handle] { border: 0; background: none; color: var(--ink); font: inherit; padding: 4px 2px; width: 12em; }
.compose input[name=handle]::placeholder { color: var(--soft); font-weight: 400; }
.compose textarea { display: block; width: 100%; min-height: 76px; resize: vertical; border: 1px solid var(--line); border-radius: 10px; background: var(--ground); color: var(--ink); font: inherit; padding: 10px 12px; }
.compose .send { display: flex; align-items: center; gap: 14px; margin-top: 10px; }
.refusal { flex: 1; margin: 0; color: var(--warn); font-size: .9rem; }
.count { color: var(--soft); font-variant-numeric: tabular-nums; min-width: 2.5em; text-align: right; }
.count.low { color: #e67700; } .count.over { color: var(--warn); font-weight: 700; }
button { border: 0; border-radius: 999px; background: var(--accent); color: var(--accent-ink); font: inherit; font-weight: 600; padding: 8px 20px; cursor: pointer; }
button:disabled { opacity: .45; cursor: not-allowed; }
.fresh { position: sticky; top: 66px; z-index: 1; display: block; margin: 0 auto 12px; box-shadow: 0 4px 14px rgb(0 0 0 / 18%); }
.fresh[hidden] { display: none; }
.feed { overflow: clip; }
.tweet { display: flex; gap: 12px; padding: 14px 16px; border-bottom: 1px solid var(--line); }
.tweet:last-child { border-bottom: 0; }
.tweet > div { min-width: 0; flex: 1; }
.tweet p { margin: 0; }
.tweet.new { animation: arrive 1.6s ease-out; }
@keyframes arrive { from { background: color-mix(in srgb, var(--accent) 16%, var(--card)); } }
@media (prefers-reduced-motion: reduce) { .tweet.new { animation: none; } }
.who { display: flex; justify-content: space-between; gap: 10px; align-items: baseline; }
.by { color: var(--ink); font-weight: 650; overflow-wrap: anywhere; }
.when { color: var(--soft); font-size: .85rem; white-space: nowrap; }
.content { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; }
.single .content { font-size: 1.35rem; padding: 6px 0; }
.tag { color: var(--accent); }
.avatar { flex: none; display: grid; place-items: center; width: 42px; height: 42px; border-radius: 50%; color: #fff; font-weight: 700; }
${Array.from({ length: 12 }, (_, hue) => `.hue${hue} { background: hsl(${hue * 30 + 8} 52% 42%); }`).join(" ")}
.profile { display: flex; align-items: center; gap: 16px; margin: 4px 2px 18px; }
.profile h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; }
.profile .avatar { width: 64px; height: 64px; font-size: 1.6rem; }
.older, .back, footer { text-align: center; color: var(--soft); }
footer.column { font-size: .85rem; padding-bottom: 28px; }
.none { padding: 28px 16px; margin: 0; text-align: center; color: var(--soft); }
.message { padding: 10px 22px 16px; }
.message h1 { font-size: 1.3rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .95rem; }
th, td { text-align: left; padding: 8px 10px; border-bottom: 1px solid var(--line); white-space: nowrap; }
thead th { color: var(--soft); font-weight: 500; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.own th { color: var(--accent); }
meter { width: 90px; }
.parts { list-style: none; padding: 0; }
.parts li { padding: 4px 0 4px 20px; position: relative; }
.parts li::before { content: ""; position: absolute; left: 0; top: 11px; width: 10px; height: 10px; border-radius: 50%; background: #2f9e44; }
.parts li.down::before { background: var(--warn); }
.parts span { color: var(--soft); }
`;

/** Everything works without it: this counts, sends without leaving the page, lets tweets arrive, and scrolls on. */
const script = `
"use strict";
const feed = document.getElementById("feed");
const shownMax = 400;

function count(text) { return [...text].length; }

function dressTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    const seconds = Math.max(0, (Date.now() - moment) / 1000);
    time.title = moment.toLocaleString();
    time.textContent = seconds < 45 ? "now" : seconds < 3600 ? Math.max(1, Math.round(seconds / 60)) + " min"
      : seconds < 86400 ? Math.round(seconds / 3600) + " h" : moment.toLocaleDateString();
  }
}

function articles(markup) {
  // Made by the server, which escapes what people write.
  const template = document.createElement("template");
  template.innerHTML = markup;
  return template.content;
}

function isShown(id) { return feed.querySelector('[data-id="' + CSS.escape(id) + '"]') !== null; }

function arrive(markup) {
  const content = articles(markup);
  for (const article of [...content.querySelectorAll("article")]) {
    if (isShown(article.dataset.id)) continue;
    article.classList.add("new");
    feed.querySelector(".none")?.remove();
    feed.prepend(article);
  }
  while (feed.childElementCount > shownMax && window.scrollY < 300) feed.lastElementChild.remove();
  dressTimes(feed);
}

function compose(form) {
  const { content, handle } = form.elements;
  const left = document.getElementById("count");
  const refusal = document.getElementById("refusal");
  const button = form.querySelector("button");
  const look = () => {
    const rest = Number(content.dataset.max) - count(content.value);
    left.textContent = rest;
    left.className = "count" + (rest < 0 ? " over" : rest <= 20 ? " low" : "");
    const name = handle.value.replace(/^@/, "");
    const tooLong = count(name) > Number(content.dataset.handleMax);
    refusal.textContent = rest < 0 ? "140 characters, not " + count(content.value) + "." : /\\s/.test(name) ? "A handle has no spaces."
      : tooLong ? "A handle has at most 15 characters." : "";
    button.disabled = rest < 0 || tooLong || /\\s/.test(name) || content.value.trim() === "" || name === "";
  };
  form.addEventListener("input", look);
  content.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !button.disabled) form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { accept: "application/vnd.tweeter.fragment+json" } });
      const told = await answer.json();
      if (answer.ok) {
        arrive(told.article);
        form.elements.key.value = told.key;
        content.value = "";
        content.focus();
        look();
        return;
      }
      look();
      refusal.textContent = told.error;
    } catch {
      look();
      refusal.textContent = "Tweeter does not answer. Your tweet is still here; try again.";
    }
  });
  look();
}

function live() {
  const fresh = document.getElementById("fresh");
  let held = [];
  const show = () => {
    for (const markup of held) arrive(markup);
    held = [];
    fresh.hidden = true;
  };
  fresh.addEventListener("click", () => { window.scrollTo({ top: 0 }); show(); });
  window.addEventListener("scroll", () => { if (held.length > 0 && window.scrollY < 80) show(); }, { passive: true });
  const newest = feed.querySelector("article")?.dataset.id ?? "";
  const source = new EventSource(feed.dataset.live + "?after=" + encodeURIComponent(newest));
  source.addEventListener("tweets", (event) => {
    const fragments = JSON.parse(event.data);
    if (window.scrollY < 80 && !document.hidden) {
      for (const markup of fragments) arrive(markup);
      return;
    }
    // Whoever reads further down is not moved.
    held = held.concat(fragments).slice(-shownMax);
    fresh.textContent = held.length >= shownMax ? "Many new tweets" : held.length === 1 ? "1 new tweet" : held.length + " new tweets";
    fresh.hidden = false;
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && window.scrollY < 80) show(); });
}

function scrollOn() {
  const seen = new IntersectionObserver(async (entries) => {
    const link = document.querySelector("#older a");
    if (link === null || !entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    try {
      const answer = await fetch(link.href, { headers: { accept: "application/vnd.tweeter.fragment+html" } });
      if (!answer.ok) return;
      const content = articles(await answer.text());
      const older = document.getElementById("older");
      older.replaceWith(content.getElementById("older"));
      for (const article of [...content.querySelectorAll("article")]) if (!isShown(article.dataset.id)) feed.append(article);
      dressTimes(feed);
    } catch {
      // The link is still there to be clicked.
      return;
    }
    seen.observe(document.getElementById("older"));
  }, { rootMargin: "600px" });
  const older = document.getElementById("older");
  if (older !== null) seen.observe(older);
}

dressTimes(document);
setInterval(() => dressTimes(document), 30000);
const form = document.getElementById("compose");
if (form !== null) compose(form);
if (feed?.dataset.live) live();
if (feed !== null && document.getElementById("older") !== null) scrollOn();
`;

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#0b7285"/><path d="M8 22c6 1 11-2 13-8l4-2-4-1c-1-2-4-3-6-1-1 1-1 2-1 3-3 0-5-1-7-3 0 3 1 5 3 6H8c1 2 3 3 5 3-1 2-3 3-5 3z" fill="#fff"/></svg>`;

/** By name; the name holds a digest, so it may be kept for ever. */
export const assets: ReadonlyMap<string, Asset> = new Map([
  [named("style", style, "css"), { type: "text/css; charset=utf-8", body: style }],
  [named("script", script, "js"), { type: "text/javascript; charset=utf-8", body: script }],
  [named("icon", icon, "svg"), { type: "image/svg+xml", body: icon }],
]);

export const assetPaths = {
  style: `/assets/${named("style", style, "css")}`,
  script: `/assets/${named("script", script, "js")}`,
  icon: `/assets/${named("icon", icon, "svg")}`,
};

function named(name: string, body: string, extension: string): string {
  return `${name}-${createHash("sha256").update(body).digest("hex").slice(0, 10)}.${extension}`;
}
