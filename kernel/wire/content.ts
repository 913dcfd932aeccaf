/**
 * Reads fields out of message content that a stranger sent. A field of the wrong type counts as absent: the protocol
 * asks a kernel to ignore what it does not know, and one odd field must not cost the user a cell. Pure.
 */

export type JsonObject = { readonly [name: string]: unknown };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function textField(content: JsonObject, name: string, fallback: string): string {
  const value = content[name];
  return typeof value === "string" ? value : fallback;
}

export function optionalTextField(content: JsonObject, name: string): string | undefined {
  const value = content[name];
  return typeof value === "string" ? value : undefined;
}

export function flagField(content: JsonObject, name: string, fallback: boolean): boolean {
  const value = content[name];
  return typeof value === "boolean" ? value : fallback;
}

export function numberField(content: JsonObject, name: string, fallback: number): number {
  const value = content[name];
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
}

export function objectField(content: JsonObject, name: string): JsonObject {
  const value = content[name];
  return isJsonObject(value) ? value : {};
}

export function textRecordField(content: JsonObject, name: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(objectField(content, name)).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  );
}
