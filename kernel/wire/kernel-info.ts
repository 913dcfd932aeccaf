/** kernel_info: what this kernel is and which language it speaks. Pure. */
import type { JsonObject } from "./content.js";
import { PROTOCOL_VERSION } from "./header.js";
import { SUBSHELL_FEATURE } from "./subshell.js";

export interface KernelInfo {
  readonly kernelVersion: string;
  readonly languageVersion: string;
}

export function kernelInfoReply(info: KernelInfo): JsonObject {
  return {
    status: "ok",
    protocol_version: PROTOCOL_VERSION,
    implementation: "tidetable",
    implementation_version: info.kernelVersion,
    language_info: {
      name: "typescript",
      version: info.languageVersion,
      mimetype: "application/typescript",
      file_extension: ".ts",
      codemirror_mode: "typescript",
      pygments_lexer: "typescript",
      nbconvert_exporter: "script",
    },
    banner: `Tidetable ${info.kernelVersion}: TypeScript ${info.languageVersion}, and a Kafka topic as a SQL table. %help lists the cell commands.`,
    help_links: [
      { text: "TypeScript", url: "https://www.typescriptlang.org/docs/" },
      { text: "Node.js", url: "https://nodejs.org/docs/latest/api/" },
    ],
    supported_features: [SUBSHELL_FEATURE],
    debugger: false,
  };
}
