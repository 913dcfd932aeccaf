/**
 * What S3 answers, as values: the keys of a listing, the name of an error. Pure. Reads no XML beyond these: keys are asked
 * for in percent-encoding, so that no text of an answer can be taken for a tag.
 */

export interface KeyPage {
  readonly keys: readonly string[];
  /** Where the next page begins; undefined on the last. */
  readonly nextToken: string | undefined;
}

export interface S3Error {
  /** `NoSuchKey`, `SignatureDoesNotMatch` … */
  readonly code: string;
  readonly message: string;
}

/** Undefined: this is no listing. @throws URIError for keys that are not what they say they are. */
export function readKeyPage(xml: string): KeyPage | undefined {
  if (!/<ListBucketResult[\s>]/.test(xml)) return undefined;
  const isEncoded = textOf(xml, "EncodingType") === "url";
  // The request's own prefix and token stand outside of these.
  const keys = [...xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)].map(([, entry = ""]) => {
    const key = textOf(entry, "Key") ?? "";
    // Amazon writes a blank as +, and + as %2B.
    return isEncoded ? decodeURIComponent(key.replaceAll("+", "%20")) : key;
  });
  const nextToken = textOf(xml, "IsTruncated") === "true" ? textOf(xml, "NextContinuationToken") : undefined;
  return { keys, nextToken };
}

/** Undefined: an answer without S3's own error, as a proxy on the way gives. */
export function readS3Error(xml: string): S3Error | undefined {
  const error = /<Error>(.*?)<\/Error>/s.exec(xml)?.[1];
  const code = error === undefined ? undefined : textOf(error, "Code");
  return error === undefined || code === undefined ? undefined : { code, message: textOf(error, "Message") ?? "" };
}

function textOf(xml: string, tag: string): string | undefined {
  const text = new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1];
  return text === undefined ? undefined : unescaped(text);
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|([a-z]+));/g, (whole, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return entities[name] ?? whole;
  });
}
