/**
 * The gRPC edge: one channel to one server, typed by the generated messages. Owns credentials, limits and deadlines.
 * Knows no session and no plan; what goes wrong leaves as gRPC's own error, for errors.ts to put into words.
 */
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type ChannelCredentials, Client, credentials, Metadata, status } from "@grpc/grpc-js";
import type { SparkAddress } from "./address.js";
import type { CallError, CallStream } from "./call.js";
import { SparkConnectService } from "./connect_pb.js";

type Methods = typeof SparkConnectService.method;
type MethodName = keyof Methods;
export type Input<Name extends MethodName> = MessageInitShape<Methods[Name]["input"]>;
export type Output<Name extends MethodName> = MessageShape<Methods[Name]["output"]>;
type StreamName = "executePlan" | "reattachExecute";

export interface ChannelTls {
  /** PEM of the authorities to trust; left out: those that Node knows. */
  readonly authorities?: string;
  /** PEM, where the server asks for the client's. */
  readonly certificate?: string;
  readonly key?: string;
}

/** gRPC's own is 4 MB; a batch of Spark's may be that and more. */
const MESSAGE_BYTES_MAX = 128 * 1024 * 1024;

export class Channel {
  readonly #client: Client;
  readonly #metadata: Metadata;
  #closed = false;

  constructor(address: SparkAddress, tls: ChannelTls = {}) {
    this.#client = new Client(`${address.host}:${address.port}`, credentialsOf(address, tls), {
      "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
      "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
      // A server that comes back is found within a second, not within two minutes.
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.min_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 1_000,
      // Two sessions of one process must not share a broken connection.
      "grpc.use_local_subchannel_pool": 1,
    });
    this.#metadata = new Metadata();
    if (address.token !== undefined) this.#metadata.set("authorization", `Bearer ${address.token}`);
  }

  /** One question, one answer, within `timeoutMs`. */
  unary<Name extends Exclude<MethodName, StreamName>>(
    name: Name,
    request: Input<Name>,
    timeoutMs: number,
  ): Promise<Output<Name>> {
    const { path, serialize, deserialize } = wireOf(name);
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(closedError());
      this.#client.makeUnaryRequest(
        path,
        serialize,
        deserialize,
        request,
        this.#metadata,
        { deadline: Date.now() + timeoutMs },
        (error, answer) => (error === null && answer !== undefined ? resolve(answer) : reject(error ?? closedError())),
      );
    });
  }

  /** Answers as they come; who stops reading stops the server's sending. No deadline: the reader watches. */
  stream<Name extends StreamName>(name: Name, request: Input<Name>): CallStream<Output<Name>> {
    if (this.#closed) throw closedError();
    const { path, serialize, deserialize } = wireOf(name);
    return this.#client.makeServerStreamRequest(path, serialize, deserialize, request, this.#metadata, {});
  }

  close(): void {
    this.#closed = true;
    this.#client.close();
  }
}

function credentialsOf({ tls }: SparkAddress, { authorities, certificate, key }: ChannelTls): ChannelCredentials {
  if (!tls) return credentials.createInsecure();
  const bytes = (pem: string | undefined) => (pem === undefined ? null : Buffer.from(pem));
  return credentials.createSsl(bytes(authorities), bytes(key), bytes(certificate));
}

function wireOf<Name extends MethodName>(name: Name) {
  const method = SparkConnectService.method[name];
  const input: DescMessage = method.input;
  const output: DescMessage = method.output;
  return {
    path: `/${SparkConnectService.typeName}/${method.name}`,
    serialize: (message: Input<Name>): Buffer => Buffer.from(toBinary(input, create(input, message as never))),
    // The library checks every length and every number; what does not parse ends the call with gRPC's INTERNAL.
    deserialize: (bytes: Buffer): Output<Name> => fromBinary(output, bytes) as unknown as Output<Name>,
  };
}

function closedError(): CallError {
  return Object.assign(new Error("the connection was closed"), {
    code: status.UNAVAILABLE,
    details: "the connection was closed",
    metadata: new Metadata(),
  });
}
