/**
 * A gRPC server that looks like Spark Connect and answers what a test tells it to, byte for byte. For what a real server
 * does not do when it is asked: nonsense, breaking off, being of another version. Owns the bytes of an honest answer, too.
 */
import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { Int32, Table, tableToIPC, Utf8, vectorFromArray } from "apache-arrow";
import {
  AnalyzePlanResponseSchema,
  ExecutePlanRequestSchema,
  ExecutePlanResponseSchema,
  ReattachExecuteRequestSchema,
  ReleaseExecuteRequestSchema,
  SparkConnectService,
} from "../../src/sql/spark-connect/connect_pb.js";

/** What one call is answered with. */
export type Script = (operationId: string) => readonly Buffer[];
type Call = ServerWritableStream<Buffer, Buffer>;

const sessionMark = "server-side";
const rowsOfBatch = 50;

export class ConnectDouble {
  /** What a query is answered with, and then: the end, or a connection that breaks. */
  script: Script = honestAnswer;
  breaksOff = false;
  /** Asked to go on after this response. Without it nothing is taken up again. */
  onReattach: ((operationId: string, lastResponseId: string | undefined) => readonly Buffer[]) | undefined;
  /** What was given up: of each operation until which response, or all of it. */
  readonly released: Array<{ readonly operationId: string; readonly until: string | "all" }> = [];
  readonly #server = new Server();
  readonly #version: string;
  #port = 0;

  private constructor(version: string) {
    this.#version = version;
  }

  static async start(version = "4.1.1", credentials = ServerCredentials.createInsecure()): Promise<ConnectDouble> {
    const double = new ConnectDouble(version);
    double.#addService();
    double.#port = await new Promise<number>((bound, failed) =>
      double.#server.bindAsync("127.0.0.1:0", credentials, (error, port) =>
        error === null ? bound(port) : failed(error),
      ),
    );
    return double;
  }

  get address(): string {
    return `sc://127.0.0.1:${this.#port}`;
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  /** The service with bytes as they are, so that what is sent need not be a message. */
  #addService(): void {
    const same = (bytes: Buffer) => bytes;
    const method = (name: keyof typeof SparkConnectService.method, streamed: boolean) => ({
      path: `/${SparkConnectService.typeName}/${SparkConnectService.method[name].name}`,
      requestStream: false,
      responseStream: streamed,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    });
    const version = encode(AnalyzePlanResponseSchema, {
      serverSideSessionId: sessionMark,
      result: { case: "sparkVersion", value: { version: this.#version } },
    });
    const empty = (_: unknown, answer: sendUnaryData<Buffer>) => answer(null, Buffer.alloc(0));
    this.#server.addService(
      {
        executePlan: method("executePlan", true),
        reattachExecute: method("reattachExecute", true),
        releaseExecute: method("releaseExecute", false),
        interrupt: method("interrupt", false),
        config: method("config", false),
        analyzePlan: method("analyzePlan", false),
        fetchErrorDetails: method("fetchErrorDetails", false),
        releaseSession: method("releaseSession", false),
      },
      {
        executePlan: (call: Call) => this.#execute(call),
        reattachExecute: (call: Call) => this.#reattach(call),
        releaseExecute: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
          const { operationId, release } = fromBinary(ReleaseExecuteRequestSchema, call.request);
          const until = release.case === "releaseUntil" ? release.value.responseId : "all";
          this.released.push({ operationId, until });
          answer(null, Buffer.alloc(0));
        },
        interrupt: empty,
        config: empty,
        fetchErrorDetails: empty,
        releaseSession: empty,
        analyzePlan: (_: unknown, answer: sendUnaryData<Buffer>) => answer(null, version),
      },
    );
  }

  #execute(call: Call): void {
    const { operationId = "", plan } = fromBinary(ExecutePlanRequestSchema, call.request);
    // A statement is sent as a command first; that it has no result of its own makes it a query.
    if (plan?.opType.case === "root") send(call, this.script(operationId), this.breaksOff);
    else send(call, honestAnswer(operationId).slice(-1));
  }

  #reattach(call: Call): void {
    const { operationId, lastResponseId } = fromBinary(ReattachExecuteRequestSchema, call.request);
    if (this.onReattach === undefined) {
      call.emit("error", { code: status.INTERNAL, details: "the double takes nothing up again" });
    } else send(call, this.onReattach(operationId, lastResponseId));
  }
}

function send(call: Call, messages: readonly Buffer[], breaksOff = false): void {
  for (const message of messages) call.write(message);
  if (breaksOff) call.emit("error", { code: status.UNAVAILABLE, details: "the connection broke" });
  else call.end();
}

/** Batches of fifty rows `[id, "text id"]`, and the end: responses `r0`, `r1`, … */
export function honestAnswer(operationId: string, batches = 3): readonly Buffer[] {
  let next = 0;
  const message = (responseType: object): Buffer =>
    encode(ExecutePlanResponseSchema, {
      operationId,
      serverSideSessionId: sessionMark,
      responseId: `r${next++}`,
      responseType,
    });
  const rows = Array.from({ length: batches }, (_, batch) => {
    const first = batch * rowsOfBatch;
    const ids = Array.from({ length: rowsOfBatch }, (_, row) => first + row);
    const data = tableToIPC(
      new Table({
        id: vectorFromArray(ids, new Int32()),
        text: vectorFromArray(
          ids.map((id) => `text ${id}`),
          new Utf8(),
        ),
      }),
      "stream",
    );
    const value = { rowCount: BigInt(rowsOfBatch), data, startOffset: BigInt(first) };
    return message({ case: "arrowBatch", value });
  });
  return [...rows, message({ case: "resultComplete", value: {} })];
}

/** The rows of that answer. */
export function honestRows(batches = 3): readonly (readonly [number, string])[] {
  return Array.from({ length: rowsOfBatch * batches }, (_, id) => [id, `text ${id}`]);
}

function encode<Message extends DescMessage>(schema: Message, value: object): Buffer {
  return Buffer.from(toBinary(schema, create(schema, value as never)));
}
