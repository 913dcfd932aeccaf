/** What `import … from "tidetable/spark"` gives a program: a Spark Connect client, without notebook and streams of ours. */
export { type ErrorCode, TidetableError } from "./errors.js";
export { type Column, cellValue, type LogicalType, type QueryResult, type SqlValue } from "./sql/schema.js";
export { parseSparkAddress, type SparkAddress } from "./sql/spark-connect/address.js";
export type { ChannelTls } from "./sql/spark-connect/channel.js";
export { SparkError } from "./sql/spark-connect/errors.js";
export {
  countedRelation,
  localRelation,
  type Relation,
  type SqlArguments,
  sourceRelation,
  sqlRelation,
  tableRelation,
} from "./sql/spark-connect/plans.js";
export { type ConnectOptions, connect, type SparkProgress, type SparkSession } from "./sql/spark-connect/session.js";
export type {
  StreamEvent,
  StreamingQuery,
  StreamOptions,
  StreamProgress,
} from "./sql/spark-connect/streaming-query.js";
