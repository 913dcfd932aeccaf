/** Where a websocket that is open again tells it, and the page's notices hear it. */
import { Signal } from "@lumino/signaling";

export interface ConnectionNews {
  /** Everything that cells wrote meanwhile is here. */
  readonly isWhole: boolean;
}

const source = {};

/** The workbench takes no larger message from a page; it would close the connection, again and again. */
export const messageBytesMax = 8 * 1024 * 1024;

/** A message was not sent, because it has more bytes than that. */
export const messageTooLarge = new Signal<object, number>(source);

export const connectedAgain = new Signal<object, ConnectionNews>(source);

/** Every other browser and link was shut out. */
export const othersShutOut = new Signal<object, void>(source);

export function tellShutOut(): void {
  othersShutOut.emit();
}

export function tellConnection(news: ConnectionNews): void {
  connectedAgain.emit(news);
}

export function tellTooLarge(bytes: number): void {
  messageTooLarge.emit(bytes);
}
