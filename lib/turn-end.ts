// The end of a turn of the event loop, after all its reads: the codecs then write what they have gathered. A write wakes the peer. After a
// single write the peer goes back to sleep, and the next wake-up costs the kernel more than the write; during consecutive writes the peer
// stays awake.

/** A codec with gathered bytes. */
export interface Gatherer {
  /** The turn ends: writes the bytes. */
  turnEnded(): void;
}

const waiting: Gatherer[] = [];

/** Calls back at the end of this turn. A gatherer that calls twice is called back twice. */
export function atTurnEnd(gatherer: Gatherer): void {
  if (waiting.push(gatherer) === 1) setImmediate(endTurn);
}

/** Includes gatherers that are added meanwhile. An exception in one does not affect the others. */
function endTurn(): void {
  let called = 0;
  try {
    while (called < waiting.length) (waiting[called++] as Gatherer).turnEnded();
  } finally {
    waiting.splice(0, called);
    if (waiting.length > 0) setImmediate(endTurn);
  }
}
