/** Spark's stages and tasks as the progress of a query. */
import type { ProgressListener } from "../query-progress.js";
import type { SparkProgress } from "../spark-connect/session.js";

/** Spark plans stages as it goes: the share is that of the tasks known so far, and may fall when another stage appears. */
export function heard(onProgress: ProgressListener | undefined): {
  readonly onProgress?: (progress: SparkProgress) => void;
} {
  if (onProgress === undefined) return {};
  return {
    onProgress: ({ stages, tasks, tasksDone }) => {
      if (tasks === 0) return onProgress({});
      const detail = `${tasksDone} of ${tasks} tasks in ${stages} ${stages === 1 ? "stage" : "stages"}`;
      onProgress({ share: tasksDone / tasks, detail });
    },
  };
}
