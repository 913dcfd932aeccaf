/** What a test may do to the nodes of a cluster on this machine, whichever product it is. */
export interface ServerNodes {
  /** Where the nodes keep their data and logs. */
  readonly directory: string;
  /** SIGKILL: no flush, no farewell. Nodes count from 1. */
  killNode(node: number): Promise<void>;
  /** SIGTERM: the node hands its work to the others, and ends. */
  stopNode(node: number): Promise<void>;
  /** SIGSTOP and SIGCONT: the node keeps its sockets and says nothing. */
  freezeNode(node: number): Promise<void>;
  thawNode(node: number): void;
  /** Starts a killed or stopped node again on the same port and data, and waits until it answers. */
  startNode(node: number): Promise<void>;
  /** Resolves with a node's number when it ends without being told to. */
  readonly unexpectedEnd: Promise<number>;
  /** SIGTERM to all, SIGKILL to those that take too long. */
  stop(): Promise<void>;
}
