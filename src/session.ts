/**
 * One notebook's session: the engine behind it, the magics its cells may begin with, and the library they import. In a
 * kernel the engine starts with it; in a program, with the first thing that needs it.
 */
import type { CellMagic, CellOutput, CommTarget } from "./cell-output.js";
import { cachedCatalog } from "./cells/cached-catalog.js";
import { consoleCell } from "./cells/console-cell.js";
import { createCellLibrary } from "./cells/create-library.js";
import type { CellLibrary } from "./cells/library.js";
import { pagePanel, panelTarget } from "./cells/page-panel.js";
import { WatchedEngine } from "./cells/watched-engine.js";
import type { Config } from "./config.js";
import { type EmbeddedFeed, embeddedRatePerSecond, type Feeding, feedEmbeddedLog } from "./embedded/feed.js";
import { embeddedLogPath } from "./embedded/log-path.js";
import type { EngineClient } from "./engine/engine-client.js";
import { startEngineProcess } from "./engine/process-client.js";
import type { StreamOptions } from "./engine/protocol.js";
import { TidetableError } from "./errors.js";
import { sqlMagic } from "./sql/sql-cell.js";
import { tweetFeeding } from "./tweeter/embedded-tweeter.js";

/** What feeds the log of a topic where there is no broker, by the topic; the second demo is loaded when it is asked for. */
const samples: Readonly<Record<string, () => Feeding | Promise<Feeding>>> = {
  tweets: () => tweetFeeding,
  crimes: async () => (await import("./crime/embedded-crimes.js")).crimeFeeding,
};

export interface TidetableOptions {
  readonly config: Config;
  /** The cell that runs now; undefined between cells, when output goes to the console. */
  readonly currentCell: () => CellOutput | undefined;
  readonly workingDirectory: string;
  /** Starts the engine now, so that the first cell finds it warm; else with the first thing that needs it. */
  readonly startAtOnce?: boolean;
  /** Instead of an engine process: another engine, or one that is shared. The session does not start it, but closes it. */
  readonly startEngine?: () => EngineClient;
}

export interface Tidetable {
  readonly magics: readonly CellMagic[];
  /** What `import … from "tidetable"` gives in a cell. */
  readonly library: CellLibrary & Readonly<Record<string, unknown>>;
  /** What a page may open a comm on, by name. */
  readonly commTargets: Readonly<Record<string, CommTarget>>;
  /** Stops streams and engine. Safe to call twice. */
  close(): Promise<void>;
}

export function openTidetable({ config, currentCell, startAtOnce, startEngine }: TidetableOptions): Tidetable {
  const outsideCells = consoleCell();
  const cell = () => currentCell() ?? outsideCells;
  const start =
    startEngine ??
    (() => startEngineProcess({ dataDirectory: config.dataDirectory, engine: config.engine, ...remoteOf(config) }));
  let running: WatchedEngine | undefined;
  const engine = (): WatchedEngine => {
    if (running !== undefined) return running;
    const started = new WatchedEngine(start());
    started.onRestart((message) => cell().write("stderr", `${message}\n`));
    running = started;
    return started;
  };

  const feeds = new Map<string, Promise<EmbeddedFeed>>();
  /** A sample's log is fed by whoever reads it first, so that a notebook without a broker has records in every home. */
  const prepareSource = async (source: StreamOptions["source"]): Promise<void> => {
    if (source.kind !== "log") return;
    const { dataDirectory } = config;
    const topic = Object.keys(samples).find((name) => source.path === embeddedLogPath(dataDirectory, name));
    const feeding = topic === undefined ? undefined : await samples[topic]?.();
    if (feeding === undefined) return;
    const feed =
      feeds.get(feeding.topic) ?? feedEmbeddedLog({ feeding, dataDirectory, ratePerSecond: embeddedRatePerSecond });
    feeds.set(feeding.topic, feed);
    await feed;
  };

  if (startAtOnce === true) engine();

  const library = createCellLibrary({ config, engine, currentCell: cell, prepareSource });
  const catalog = cachedCatalog(engine);
  const panel = pagePanel(engine, catalog);
  const close = async (): Promise<void> => {
    panel.close();
    const closing = [running?.close(), ...[...feeds.values()].map(async (feed) => (await feed).stop())];
    running = undefined;
    feeds.clear();
    await Promise.all(closing);
  };
  return {
    magics: [
      sqlMagic({
        engine,
        insideZeppelin: config.insideZeppelin,
        catalog,
      }),
    ],
    library: { ...library, close, TidetableError },
    commTargets: { [panelTarget]: panel.target },
    close,
  };
}

function remoteOf({ sparkRemote }: Config): { readonly sparkRemote?: string } {
  return sparkRemote === undefined ? {} : { sparkRemote };
}
