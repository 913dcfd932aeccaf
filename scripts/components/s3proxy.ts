/**
 * An S3 on loopback: S3Proxy from Maven's jars, which speaks Amazon's protocol, checks its signatures, and keeps objects
 * as files in a folder. Owns its folder, its configuration and the keys that let one in; the process is server-process.ts's.
 */
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import type { Progress } from "./cache.js";
import { freePort } from "./free-ports.js";
import { ensureJars } from "./maven.js";
import { ServerProcess } from "./server-process.js";

export const s3ProxyVersion = "4.1.0";

export interface S3Options {
  /** Default: a free port. */
  readonly port?: number;
  /** Where objects, log and configuration are kept. Default: a temporary folder, removed at `stop()`. */
  readonly directory?: string;
  readonly progress?: Progress;
}

export interface S3Server {
  readonly url: string;
  /** Who is let in; others at every start. */
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly directory: string;
  /** SIGKILL: no flush, no farewell. */
  kill(): Promise<void>;
  /** After `kill()`: on the same port and objects, with the same keys; resolves when it answers. */
  start(): Promise<void>;
  /** SIGSTOP and SIGCONT: it keeps its sockets and says nothing. */
  freeze(): Promise<void>;
  thaw(): void;
  /** Resolves when the process ends without being told to. */
  readonly unexpectedEnd: Promise<void>;
  stop(): Promise<void>;
}

const readyTimeoutMs = 60_000;

/** @throws TidetableError COMPONENT_MISSING: no Java, no Maven, or it does not start. */
export async function startS3(options: S3Options = {}): Promise<S3Server> {
  const libraryDirectory = await ensureS3(options.progress);
  const directory = resolve(options.directory ?? (await mkdtemp(join(tmpdir(), "tidetable-s3-"))));
  const server = new LocalS3(libraryDirectory, directory, options.port ?? (await freePort()), options);
  try {
    await server.prepare();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** The folder of S3Proxy's jars, fetched on first use. @throws TidetableError COMPONENT_MISSING */
export function ensureS3(progress?: Progress): Promise<string> {
  return ensureJars(
    {
      name: `s3proxy-${s3ProxyVersion}`,
      artifacts: [
        // Named first, it wins over the older one that S3Proxy's own dependencies agree on, without which it does not start.
        "com.fasterxml.jackson.core:jackson-annotations:2.21",
        `org.gaul:s3proxy:${s3ProxyVersion}`,
      ],
    },
    progress,
  );
}

class LocalS3 extends ServerProcess implements S3Server {
  readonly url: string;
  readonly accessKeyId = `local-${randomBytes(6).toString("hex")}`;
  readonly secretAccessKey = randomBytes(24).toString("base64url");
  readonly #port: number;

  constructor(libraryDirectory: string, directory: string, port: number, options: S3Options) {
    const url = `http://127.0.0.1:${port}`;
    const configDirectory = configDirectoryOf(directory);
    super({
      name: "S3Proxy",
      program: "java",
      parameters: [
        "-Xmx256m",
        "-XX:+UseSerialGC",
        "-Djava.awt.headless=true",
        "-Djava.net.preferIPv4Stack=true",
        // Names of files are names of objects, whatever the language of this machine is.
        "-Dfile.encoding=UTF-8",
        "-Dsun.jnu.encoding=UTF-8",
        "-cp",
        // The folder first: its logback.xml is found before any other.
        [configDirectory, join(libraryDirectory, "*")].join(delimiter),
        "org.gaul.s3proxy.Main",
        "--properties",
        join(configDirectory, "s3proxy.properties"),
      ],
      directory,
      temporary: options.directory === undefined,
      logPath: join(directory, "s3proxy.log"),
      environment: { ...process.env, LC_ALL: "C.UTF-8" },
      readyTimeoutMs,
      // Without a signature it is refused, which is an answer of the one that is asked for.
      isReady: async () => (await fetch(url, { signal: AbortSignal.timeout(2_000) })).headers.has("x-amz-request-id"),
    });
    this.url = url;
    this.#port = port;
  }

  async prepare(): Promise<void> {
    await mkdir(this.#configDirectory, { recursive: true });
    await mkdir(this.#objectDirectory, { recursive: true });
    await writeFile(join(this.#configDirectory, "logback.xml"), logback);
    await writeFile(join(this.#configDirectory, "s3proxy.properties"), this.#properties(), { mode: 0o600 });
    await this.start();
  }

  get #configDirectory(): string {
    return configDirectoryOf(this.directory);
  }

  get #objectDirectory(): string {
    return join(this.directory, "objects");
  }

  #properties(): string {
    const properties: Record<string, string> = {
      "s3proxy.endpoint": `http://127.0.0.1:${this.#port}`,
      "s3proxy.authorization": "aws-v2-or-v4",
      "s3proxy.identity": this.accessKeyId,
      "s3proxy.credential": this.secretAccessKey,
      "jclouds.provider": "filesystem",
      // A properties file reads a backslash as the beginning of something else.
      "jclouds.filesystem.basedir": this.#objectDirectory.replaceAll("\\", "/"),
    };
    return `${Object.entries(properties)
      .map(([name, value]) => `${name}=${value}`)
      .join("\n")}\n`;
  }
}

function configDirectoryOf(directory: string): string {
  return join(directory, "conf");
}

/** Without it every request is some lines at DEBUG. */
const logback = `<configuration>
  <appender name="CONSOLE" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %-5p %c{1} %m%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="CONSOLE" /></root>
</configuration>
`;
