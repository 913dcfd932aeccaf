/** Colours of a chart on a dark page. The kernel's specification stays as it is: files and pictures are for any page. */
export const darkQuery = window.matchMedia("(prefers-color-scheme: dark)");

type Fields = Readonly<Record<string, unknown>>;

const ink = "#d5dde4";
const faint = "#3b4754";
/** Okabe and Ito's colours with the black, unseen here, as near white; blue and vermilion a little lighter. */
const palette = ["#4aa3df", "#E69F00", "#2fc39a", "#d992bd", "#8cd0f5", "#ef7a2f", "#eceff2", "#F0E442"];

/** The same chart, light on dark. */
export function inDark(spec: Fields): Fields {
  const config = fieldsOf(spec.config);
  return {
    ...recoloured(spec),
    background: "transparent",
    config: {
      ...config,
      range: { ...fieldsOf(config.range), category: palette },
      title: { ...fieldsOf(config.title), color: ink },
      axis: {
        ...fieldsOf(config.axis),
        ...{ labelColor: ink, titleColor: ink, domainColor: faint, gridColor: faint, tickColor: faint },
      },
      legend: { ...fieldsOf(config.legend), labelColor: ink, titleColor: ink },
      text: { ...fieldsOf(config.text), fill: ink },
    },
  };
}

/** Marks of one colour carry it themselves. */
function recoloured(spec: Fields): Fields {
  const layer = Array.isArray(spec.layer) ? { layer: spec.layer.map((one) => recoloured(fieldsOf(one))) } : {};
  const mark = fieldsOf(spec.mark);
  return { ...spec, ...layer, ...(mark.color === "#0072B2" ? { mark: { ...mark, color: palette[0] } } : {}) };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
