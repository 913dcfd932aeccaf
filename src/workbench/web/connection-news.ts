/** Where a websocket that is open again tells it, and the page's notices hear it. */
import { Signal } from "@lumino/signaling";

export interface ConnectionNews {
  /** Everything that cells wrote meanwhile is here. */
  readonly isWhole: boolean;
}

const source = {};

export const connectedAgain = new Signal<object, ConnectionNews>(source);

export function tellConnection(news: ConnectionNews): void {
  connectedAgain.emit(news);
}
