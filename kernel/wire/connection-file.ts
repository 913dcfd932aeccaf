/** The connection file that a client writes and a kernel is started with: where to listen and how to sign. Pure. */
import { isJsonObject, numberField, optionalTextField, textField } from "./content.js";
import type { Signing } from "./frames.js";

export const CHANNELS = ["shell", "control", "stdin", "iopub", "heartbeat"] as const;
export type Channel = (typeof CHANNELS)[number];

/** The channels on which a front-end sends to the kernel. */
export type RequestChannel = "shell" | "control" | "stdin";

/** A CurveZMQ key in its printable form (Z85). */
const CURVE_KEY_LENGTH = 40;

export interface ConnectionInfo {
  /** Where each socket binds: `tcp://127.0.0.1:5000` or `ipc:///run/kernel-1`. */
  readonly endpoints: Readonly<Record<Channel, string>>;
  readonly signing: Signing;
  /** Set when the client wants every socket encrypted; it has the public key of this pair. */
  readonly curveSecretKey?: string;
}

/** @throws Error that names the field, what it holds and what it must be. */
export function parseConnectionFile(text: string): ConnectionInfo {
  const file: unknown = JSON.parse(text);
  if (!isJsonObject(file)) throw new Error("The connection file does not hold a JSON object.");
  const transport = textField(file, "transport", "tcp");
  if (transport !== "tcp" && transport !== "ipc") {
    throw new Error(`The connection file asks for transport "${transport}"; this kernel speaks tcp and ipc.`);
  }
  const ip = textField(file, "ip", transport === "tcp" ? "127.0.0.1" : "kernel-ipc");
  const separator = transport === "tcp" ? ":" : "-";
  const endpoint = (field: string): string => {
    const port = numberField(file, field, 0);
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      throw new Error(`The connection file holds ${field} ${JSON.stringify(file[field])}; a port is 1 to 65535.`);
    }
    return `${transport}://${ip}${separator}${port}`;
  };
  const scheme = textField(file, "signature_scheme", "hmac-sha256");
  if (!/^hmac-(sha1|sha224|sha256|sha384|sha512|md5)$/.test(scheme)) {
    throw new Error(`The connection file asks for signature_scheme "${scheme}"; use hmac-sha256.`);
  }
  const curveSecretKey = optionalTextField(file, "curve_secretkey");
  // Never without encryption where it was asked for, and no key in the message: it is shown to others.
  if (curveSecretKey !== undefined && curveSecretKey.length !== CURVE_KEY_LENGTH) {
    throw new Error(
      `The connection file holds a curve_secretkey of ${curveSecretKey.length} characters; one has ${CURVE_KEY_LENGTH}.`,
    );
  }
  return {
    endpoints: {
      shell: endpoint("shell_port"),
      control: endpoint("control_port"),
      stdin: endpoint("stdin_port"),
      iopub: endpoint("iopub_port"),
      heartbeat: endpoint("hb_port"),
    },
    signing: { key: textField(file, "key", ""), scheme },
    ...(curveSecretKey === undefined ? {} : { curveSecretKey }),
  };
}
