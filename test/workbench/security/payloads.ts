/** Texts that run a script, or load something, where they are taken for markup: 60 shapes, each in five dresses. */

/** Each counts here when it runs. */
export const ran = "window.hostile=(window.hostile||0)+1";

/** @param elsewhere an address that nothing of these must reach */
function shapes(elsewhere: string): readonly string[] {
  return [
    `<script>${ran}</script>`,
    `<SCRIPT SRC="${elsewhere}/x.js"></SCRIPT>`,
    `<script type=module>${ran}</script>`,
    `<img src=x onerror="${ran}">`,
    `<img src="${elsewhere}/i.png">`,
    `<img srcset="${elsewhere}/i2.png 1x">`,
    `<image src=x onerror="${ran}">`,
    `<svg onload="${ran}">`,
    `<svg><script>${ran}</script></svg>`,
    `<svg><animate onbegin="${ran}" attributeName=x dur=1s>`,
    `<svg><set attributeName=href to="javascript:${ran}" /><a><text>x</text></a></svg>`,
    `<svg><use href="data:image/svg+xml,<svg id=x onload='${ran}'/>#x"/></svg>`,
    `<svg><foreignObject><iframe srcdoc="<script>parent.${ran}</script>"></iframe></foreignObject></svg>`,
    `<iframe srcdoc="<script>parent.${ran}</script>"></iframe>`,
    `<iframe src="javascript:parent.${ran}"></iframe>`,
    `<iframe src="${elsewhere}/frame"></iframe>`,
    `<object data="javascript:${ran}"></object>`,
    `<object data="${elsewhere}/object"></object>`,
    `<embed src="${elsewhere}/embed">`,
    `<applet code="${elsewhere}/applet"></applet>`,
    `<body onload="${ran}">`,
    `<details open ontoggle="${ran}">x</details>`,
    `<input autofocus onfocus="${ran}">`,
    `<select autofocus onfocus="${ran}"></select>`,
    `<textarea autofocus onfocus="${ran}"></textarea>`,
    `<video autoplay src="${elsewhere}/v" onerror="${ran}"></video>`,
    `<audio src=x onerror="${ran}"></audio>`,
    `<video poster="${elsewhere}/poster.png"></video>`,
    `<marquee onstart="${ran}">x</marquee>`,
    `<a href="javascript:${ran}">x</a>`,
    `<a href="JaVa&#x09;ScRiPt:${ran}">x</a>`,
    `<a href="data:text/html,<script>opener.${ran}</script>">x</a>`,
    `<form action="${elsewhere}/form"><button>x</button></form>`,
    `<form><button formaction="javascript:${ran}">x</button></form>`,
    `<button data-commandlinker-command="run-all" data-commandlinker-args="{}">x</button>`,
    `<div class="jp-Dialog tt-notices" data-command="run-all"><div class="jp-Dialog-content">x</div></div>`,
    `<style>@import url("${elsewhere}/s.css");</style>`,
    `<style>body{background:url("${elsewhere}/bg.png")}</style>`,
    `<div style="background:url('${elsewhere}/inline.png')">x</div>`,
    `<div style="position:fixed;inset:0;z-index:99999">x</div>`,
    `<link rel=stylesheet href="${elsewhere}/l.css">`,
    `<link rel=preload as=image href="${elsewhere}/p.png">`,
    `<link rel=dns-prefetch href="${elsewhere}">`,
    `<meta http-equiv=refresh content="0;url=${elsewhere}/moved">`,
    `<meta http-equiv="Content-Security-Policy" content="script-src *">`,
    `<base href="${elsewhere}/">`,
    `<math><mtext><table><mglyph><style><img src=x onerror="${ran}"></style></mglyph></table></mtext></math>`,
    `<form><math><mtext></form><form><mglyph><style></math><img src=x onerror="${ran}">`,
    `<noscript><p title="</noscript><img src=x onerror=${ran}>">`,
    `<template><script>${ran}</script></template>`,
    `<xmp><p title="</xmp><img src=x onerror=${ran}>">`,
    `<!--><img src=x onerror="${ran}">-->`,
    `<![CDATA[<script>${ran}</script>]]>`,
    `<p id=jupyter-config-data name=tidetable>x</p>`,
    `<a id=tidetable name=context href=x>x</a>`,
    `<img name=body src=x><img name=getElementById src=x>`,
    `{{constructor.constructor('${ran}')()}}`,
    `\${${ran}}`,
    `javascript:${ran}`,
    `\u001b]8;;javascript:${ran}\u0007x\u001b]8;;\u0007\u001b[31m<img src=x onerror="${ran}">`,
  ];
}

const dresses: ReadonlyArray<(shape: string) => string> = [
  (shape) => shape,
  // Out of an attribute, an element or a text that it was put into.
  (shape) => `"'></textarea></title></style></script>${shape}`,
  (shape) => `&lt;x&gt;${shape.replace("<", "<\u0000").replaceAll(">", "\n>")}${shape}`,
  (shape) => `<b>**[x](${shape} "${shape}")**</b>`,
  (shape) => `<svg><desc>${shape}</desc></svg><table><td>${shape}`,
];

export function payloads(elsewhere: string): readonly string[] {
  return dresses.flatMap((dress) => shapes(elsewhere).map(dress));
}
