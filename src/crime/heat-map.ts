/**
 * Counts by square as a page: a map drawn as SVG, a layer for each kind of crime, a legend. It runs no script and loads
 * nothing, so it is the same from a bucket, a disk or a mail. Pure; what comes from records is escaped.
 */
import { escapeHtml } from "../sql/table-html.js";

/** A square's row and column in the grid, counted from the equator and Greenwich; crimes in it; of these, with an arrest. */
export type Square = readonly [row: number, column: number, crimes: number, arrests: number];

export interface HeatMapLayer {
  readonly name: string;
  /** By row, then column. */
  readonly squares: readonly Square[];
}

export interface HeatMap {
  readonly topic: string;
  /** Next offset by partition: the records that it was made of. */
  readonly offsets: Readonly<Record<string, string>>;
  readonly crimes: number;
  /** Of these, not on the map. */
  readonly withoutPlace: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly gridDegrees: { readonly latitude: number; readonly longitude: number };
  /** The first is of all kinds. */
  readonly layers: readonly HeatMapLayer[];
}

/** About 550 by 550 metres in Chicago. */
export const gridDegrees = { latitude: 0.005, longitude: 0.0067 };

/** What is drawn; a place outside of it is none of the city. */
export const land = { south: 41.62, north: 42.04, west: -87.95, east: -87.5 };

/** From few to many on paper, and from many to few in the dark; a square's colour is its place among the others, so that one hot square does not pale the rest. */
const colours = ["#fee5c8", "#fdca8c", "#fca55d", "#f57b3a", "#e14e1f", "#b52b11", "#7c1407"];

/** Pixels a degree of latitude; a degree of longitude is shorter by the cosine of the latitude. */
const scale = 1_700;
const narrowing = Math.cos((41.83 * Math.PI) / 180);
const width = Math.round((land.east - land.west) * scale * narrowing);
const height = Math.round((land.north - land.south) * scale);

export function heatMapPage(map: HeatMap): string {
  const placed = map.crimes - map.withoutPlace;
  const title = "Chicago crime, by square of the city";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style(map.layers.length)}</style>
</head>
<body>
<h1>${title}</h1>
<p>${count(placed)} of ${count(map.crimes)} crimes, from ${day(map.firstAtMs)} to ${day(map.lastAtMs)}; ${count(map.withoutPlace)} have no place in the city and are not on the map.</p>
<form>
<fieldset><legend>Kind</legend>
${map.layers.map(choice).join("\n")}
</fieldset>
${map.layers.map((layer, index) => drawnLayer(layer, index, map)).join("\n")}
</form>
<footer>Topic ${escapeHtml(map.topic)}, ${offsetsText(map.offsets)}. The counts are beside this page, in cells.json.</footer>
</body>
</html>
`;
}

/** Upper ends of the classes but the last: as many squares in each as the counts allow, none twice. */
export function classEnds(counts: readonly number[]): readonly number[] {
  const sorted = [...counts].sort((a, b) => a - b);
  const ends = colours
    .slice(1)
    .map((_, index) => sorted[Math.floor(((index + 1) * sorted.length) / colours.length)] ?? 0);
  return [...new Set(ends)].filter((end) => end < (sorted.at(-1) ?? 0));
}

function choice({ name, squares }: HeatMapLayer, index: number): string {
  const crimes = squares.reduce((sum, [, , inSquare]) => sum + inSquare, 0);
  const checked = index === 0 ? " checked" : "";
  return `<label><input type="radio" name="kind" id="kind-${index}"${checked}> ${escapeHtml(name)} <small>${count(crimes)}</small></label>`;
}

function drawnLayer({ name, squares }: HeatMapLayer, index: number, map: HeatMap): string {
  const ends = classEnds(squares.map(([, , crimes]) => crimes));
  const classOf = (crimes: number) => {
    const found = ends.findIndex((end) => crimes <= end);
    return classAt(found < 0 ? ends.length : found, ends.length + 1);
  };
  const side = {
    x: map.gridDegrees.longitude * scale * narrowing,
    y: map.gridDegrees.latitude * scale,
  };
  const drawn = squares.map(([row, column, crimes, arrests]) => {
    const south = row * map.gridDegrees.latitude;
    const west = column * map.gridDegrees.longitude;
    const x = (west - land.west) * scale * narrowing;
    const y = (land.north - south) * scale - side.y;
    const share = Math.round((100 * arrests) / crimes);
    const tip = `${count(crimes)} ${crimes === 1 ? "crime" : "crimes"}, an arrest in ${share} % (${(south + map.gridDegrees.latitude / 2).toFixed(4)}, ${(west + map.gridDegrees.longitude / 2).toFixed(4)})`;
    return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${side.x.toFixed(1)}" height="${side.y.toFixed(1)}" class="${classOf(crimes)}"><title>${tip}</title></rect>`;
  });
  const label = `Map of ${squares.length} squares: ${escapeHtml(name)}`;
  return `<figure class="layer-${index}">
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">${drawn.join("")}</svg>
<figcaption>${legend(squares, ends)}</figcaption>
</figure>`;
}

function legend(squares: readonly Square[], ends: readonly number[]): string {
  const largest = Math.max(...squares.map(([, , crimes]) => crimes));
  const classes = [...ends, largest].map((end, index, all) => {
    const from = index === 0 ? 1 : (all[index - 1] ?? 0) + 1;
    const text = from === end ? count(end) : `${count(from)}–${count(end)}`;
    return `<li><span class="${classAt(index, all.length)}"></span>${text}</li>`;
  });
  return `Crimes in a square of about 550 m<ul>${classes.join("")}</ul>`;
}

/** Fewer classes than colours are spread over them. */
function classAt(index: number, classes: number): string {
  const place = classes <= 1 ? 1 : index / (classes - 1);
  return `c${Math.round(place * (colours.length - 1))}`;
}

function style(layers: number): string {
  const shown = Array.from(
    { length: layers },
    (_, index) => `form:has(#kind-${index}:checked) .layer-${index}{display:block}`,
  );
  const filled = (all: readonly string[]) =>
    all.map((colour, at) => `.c${at}{fill:${colour};background:${colour}}`).join("");
  return `
${filled(colours)}
@media (prefers-color-scheme:dark){${filled(colours.toReversed())}}
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:0}
form{display:flex;gap:1.5rem;align-items:flex-start;flex-wrap:wrap}
fieldset{border:0;padding:0;min-width:14rem}
legend{font-weight:600}
label{display:flex;gap:.5rem;align-items:baseline;padding:.15rem 0;cursor:pointer}
small{margin-left:auto;opacity:.75;font-variant-numeric:tabular-nums}
figure{display:none;flex:1 1 24rem;margin:0}
svg{width:100%;height:auto;background:color-mix(in srgb,CanvasText 6%,Canvas);border-radius:6px}
rect:hover{stroke:CanvasText;stroke-width:1.5}
ul{display:flex;flex-wrap:wrap;gap:.25rem 1rem;list-style:none;padding:0;margin:.25rem 0}
li span{display:inline-block;width:1em;height:1em;margin-right:.4em;vertical-align:-.12em;border-radius:2px}
footer{margin-top:1rem;font-size:.85rem;opacity:.8}
${shown.join("\n")}
`;
}

function offsetsText(offsets: HeatMap["offsets"]): string {
  return Object.entries(offsets)
    .map(([partition, offset]) => `partition ${escapeHtml(partition)} before offset ${escapeHtml(offset)}`)
    .join(", ");
}

function count(value: number): string {
  return value.toLocaleString("en");
}

function day(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
