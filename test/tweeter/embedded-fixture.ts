/** A Tweeter without servers, in this process: an empty log in a folder of its own. */
import { join } from "node:path";
import { EmbeddedLog } from "../../src/embedded/log.js";
import type { WorkKind } from "../../src/tweeter/admission.js";
import { openEmbeddedTweetStore } from "../../src/tweeter/embedded-tweet-store.js";
import type { TweetStore } from "../../src/tweeter/tweet-store.js";
import { startTweeterServer } from "../../src/tweeter/tweeter-server.js";
import { temporaryFolder } from "../support/temporary-folder.js";

export interface EmbeddedInstance {
  readonly url: string;
  readonly log: EmbeddedLog;
  readonly store: TweetStore;
  stop(): Promise<void>;
}

export async function startEmbeddedInstance(
  options: {
    readonly limits?: Partial<Readonly<Record<WorkKind, number>>>;
    /** Stands between the server and the store. */
    readonly around?: (store: TweetStore) => TweetStore;
  } = {},
): Promise<EmbeddedInstance> {
  const folder = temporaryFolder("tweeter-page");
  const log = await EmbeddedLog.open(join(folder.path, "tweets.log"));
  const server = await startTweeterServer({
    name: "embedded",
    port: 0,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    openStore: async (report) => {
      const store = await openEmbeddedTweetStore({ log, report });
      return options.around?.(store) ?? store;
    },
  });
  return {
    url: server.url,
    log,
    store: server.store,
    async stop() {
      await server.close();
      await log.close();
      folder.remove();
    },
  };
}
