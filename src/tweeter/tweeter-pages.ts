/**
 * Tweeter's pages as HTML. Everything that a person wrote is escaped by hono's template; nothing here is pasted. Pure:
 * reads no clock and no store.
 */
import { html, raw } from "hono/html";
import { contentLengthMax, handleLengthMax, type Tweet } from "./tweet.js";
import type { InstanceReport, StorePart } from "./tweet-store.js";
import { assetPaths } from "./tweeter-assets.js";

type Html = ReturnType<typeof html>;

/** What the compose box is filled with. */
export interface ComposeState {
  readonly key: string;
  readonly handle: string;
  readonly content?: string;
  /** Why the last attempt was refused. */
  readonly refusal?: string;
}

export interface TimelinePage {
  readonly tweets: readonly Tweet[];
  /** Where older ones are; undefined at the end. */
  readonly older: string | undefined;
  readonly compose: ComposeState;
  /** Of one speaker. */
  readonly handle?: string;
  /** Newest tweets come in by themselves. */
  readonly live: boolean;
  readonly instance: string;
}

export async function timelinePage(page: TimelinePage): Promise<string> {
  const { handle, tweets, older, compose, live, instance } = page;
  const title = handle === undefined ? "Tweeter" : `@${handle} · Tweeter`;
  const heading = handle === undefined ? html`<h1 class="hidden">Timeline</h1>` : profile(handle);
  const none =
    handle === undefined
      ? "No tweets yet. Say something."
      : "Nothing here: this handle has not said a word, or no older ones.";
  const body = html`
    ${handle === undefined ? composeBox(compose) : ""} ${heading}
    <button class="fresh" id="fresh" type="button" hidden></button>
    <div class="feed" id="feed" ${live ? raw('data-live="/events"') : ""} aria-live="off">
      ${tweets.length === 0 ? html`<p class="none">${none}</p>` : tweets.map(tweetArticle)}
    </div>
    ${olderLink(older)}`;
  return await layout(title, body, instance, handle === undefined ? "home" : "handle");
}

/** Tweets and the link to older ones, for a page that is scrolled down. */
export async function timelineFragment(tweets: readonly Tweet[], older: string | undefined): Promise<string> {
  return String(await html`${tweets.map(tweetArticle)}${olderLink(older)}`);
}

export async function tweetFragment(tweet: Tweet): Promise<string> {
  return String(await tweetArticle(tweet));
}

export async function tweetPage(tweet: Tweet, instance: string): Promise<string> {
  return await layout(
    `@${tweet.handle}: ${tweet.content}`,
    html`<div class="feed single">${tweetArticle(tweet)}</div>
    <p class="back"><a href="/">All tweets</a> · <a href="${handlePath(tweet.handle)}">More of @${tweet.handle}</a></p>`,
    instance,
    "tweet",
  );
}

export async function messagePage(title: string, message: string, instance: string): Promise<string> {
  return await layout(
    `${title} · Tweeter`,
    html`<div class="message"><h1>${title}</h1><p>${message}</p><p><a href="/">Back to the timeline</a></p></div>`,
    instance,
    "message",
  );
}

export interface StatusPage {
  readonly instance: string;
  readonly ready: boolean;
  readonly parts: readonly StorePart[];
  readonly instances: readonly InstanceReport[];
  readonly nowMs: number;
}

export async function statusPage(status: StatusPage): Promise<string> {
  const most = Math.max(1, ...status.instances.map(({ requests }) => requests));
  const rows = status.instances.map(
    (report) => html`<tr ${report.name === status.instance ? raw('class="own"') : ""}>
      <th scope="row">${report.name}</th>
      <td class="number">${report.requests.toLocaleString("en")}</td>
      <td><meter min="0" max="${most}" value="${report.requests}">${report.requests}</meter></td>
      <td class="number">${report.posts.toLocaleString("en")}</td>
      <td>${report.lanes.length === 0 ? "–" : report.lanes.join(" ")}</td>
      <td>${duration(status.nowMs - report.startedAtMs)}</td>
    </tr>`,
  );
  const parts = status.parts.map(
    (part) => html`<li class="${part.up ? "up" : "down"}"><b>${part.name}</b> <span>${part.detail}</span></li>`,
  );
  const body = html`<div class="message status">
    <h1>Instances</h1>
    <p>${status.ready ? "Ready" : "Not ready"}. This page came from <b>${status.instance}</b>; load it again to see the next.</p>
    <ul class="parts">${parts}</ul>
    <div class="wide"><table>
      <thead><tr><th>Instance</th><th class="number">Requests</th><th></th><th class="number">Tweets taken</th><th>Outbox lanes</th><th>Up for</th></tr></thead>
      <tbody>${rows}</tbody>
    </table></div>
  </div>`;
  return await layout("Status · Tweeter", body, status.instance, "status");
}

export function handlePath(handle: string): string {
  return `/@${encodeURIComponent(handle)}`;
}

async function layout(title: string, body: Html, instance: string, page: string): Promise<string> {
  return String(
    await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="${assetPaths.icon}" type="image/svg+xml">
<link rel="stylesheet" href="${assetPaths.style}">
<script src="${assetPaths.script}" defer></script>
</head>
<body data-page="${page}">
<header class="top"><div class="column">
  <a class="brand" href="/"><img src="${assetPaths.icon}" alt="" width="28" height="28"> Tweeter</a>
  <nav><a href="/">Timeline</a> <a href="/status">Status</a></nav>
</div></header>
<main class="column">${body}</main>
<footer class="column">Served by <b>${instance}</b></footer>
</body>
</html>`,
  );
}

function composeBox({ key, handle, content = "", refusal }: ComposeState): Html {
  return html`<form class="compose" id="compose" method="post" action="/tweets" autocomplete="off">
    <input type="hidden" name="key" value="${key}">
    <label class="handle"><span>@</span><input name="handle" value="${handle}" placeholder="handle" aria-label="Your handle" size="15" required spellcheck="false" autocapitalize="none"></label>
    <textarea name="content" rows="3" placeholder="What is afoot?" aria-label="Your tweet" required data-max="${contentLengthMax}" data-handle-max="${handleLengthMax}">${content}</textarea>
    <div class="send">
      <p class="refusal" id="refusal" role="alert">${refusal ?? ""}</p>
      <output class="count" id="count" aria-label="Characters left">${contentLengthMax - [...content].length}</output>
      <button type="submit">Tweet</button>
    </div>
  </form>`;
}

function profile(handle: string): Html {
  return html`<div class="profile">${avatar(handle)}<h1>@${handle}</h1></div>`;
}

function tweetArticle(tweet: Tweet): Html {
  const moment = new Date(tweet.createdAtMs).toISOString();
  const shown = `${moment.slice(0, 10)} ${moment.slice(11, 16)} UTC`;
  return html`<article class="tweet" data-id="${tweet.id}">${avatar(tweet.handle)}
    <div><p class="who"><a class="by" href="${handlePath(tweet.handle)}">@${tweet.handle}</a> <a class="when" href="/tweets/${tweet.id}"><time datetime="${moment}">${shown}</time></a></p>
    <p class="content">${linked(tweet.content)}</p></div></article>`;
}

/** Mentions lead to who is mentioned; tags are only marked. */
function linked(content: string): Html[] {
  return content
    .split(/([@#][\p{L}\p{N}_]{1,15})/u)
    .filter((part) => part !== "")
    .map((part) => {
      if (/^@[\p{L}\p{N}_]/u.test(part))
        return html`<a class="mention" href="${handlePath(part.slice(1))}">${part}</a>`;
      return /^#[\p{L}\p{N}_]/u.test(part) ? html`<span class="tag">${part}</span>` : html`${part}`;
    });
}

function avatar(handle: string): Html {
  const [first = "?"] = handle;
  let hue = 0;
  for (const character of handle) hue = (hue * 31 + (character.codePointAt(0) ?? 0)) % 12;
  return html`<span class="avatar hue${hue}" aria-hidden="true">${first.toUpperCase()}</span>`;
}

function olderLink(older: string | undefined): Html {
  return older === undefined
    ? html`<p class="older" id="older"><span>That was the beginning.</span></p>`
    : html`<p class="older" id="older"><a href="${older}">Older tweets</a></p>`;
}

function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.max(0, Math.floor(ms / 1000))} s`;
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}
