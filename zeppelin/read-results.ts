/** A paragraph's results: `{code, msg: [{type, data}]}` since 0.7, one `{code, type, msg}` in 2016. Pure. */
import type { JsonObject, JsonValue } from "./json.js";
import { isJsonArray, isJsonObject, kindOf } from "./json.js";
import type { Remark, ResultMessage, Results, ResultType } from "./model.js";
import { NoteRefused, resultTypes } from "./model.js";

/** @throws NoteRefused naming the paragraph */
export function readResults(paragraph: JsonObject, where: string, remarks: Remark[]): Results | undefined {
  const key = paragraph.results !== undefined && paragraph.results !== null ? "results" : "result";
  const value = paragraph[key];
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw new NoteRefused(where, `${key} is ${kindOf(value)}; it is an object.`);
  if (Object.keys(value).length === 0) return undefined;
  if (value.code !== undefined && typeof value.code !== "string") {
    throw new NoteRefused(where, `${key}.code is ${kindOf(value.code)}; it is a text such as "SUCCESS".`);
  }
  return { code: value.code ?? "SUCCESS", messages: readMessages(value, key, where, remarks) };
}

function readMessages(value: JsonObject, key: string, where: string, remarks: Remark[]): readonly ResultMessage[] {
  const { msg } = value;
  if (msg === undefined || msg === null) return [];
  if (typeof msg === "string") {
    const message =
      key === "results" ? "results.msg was a text, which Zeppelin refuses." : "Its result is in the form of today.";
    remarks.push({ kind: "translated", where, message });
    return [{ type: readType(value.type, where, remarks), data: msg }];
  }
  if (!isJsonArray(msg)) throw new NoteRefused(where, `${key}.msg is ${kindOf(msg)}; it is a list of {type, data}.`);
  return msg.map((message, index) => {
    if (!isJsonObject(message)) {
      throw new NoteRefused(where, `${key}.msg[${index}] is ${kindOf(message)}; it is {type, data}.`);
    }
    const { data } = message;
    if (data !== undefined && data !== null && typeof data !== "string") {
      throw new NoteRefused(where, `${key}.msg[${index}].data is ${kindOf(data)}; it is a text.`);
    }
    return { type: readType(message.type, where, remarks), data: data ?? "" };
  });
}

function readType(type: JsonValue | undefined, where: string, remarks: Remark[]): ResultType {
  if (type === undefined) return "TEXT";
  const known = resultTypes.find((name) => name === type);
  if (known !== undefined) return known;
  remarks.push({ kind: "review", where, message: `A result of type ${JSON.stringify(type)} is shown as text.` });
  return "TEXT";
}
