// The end of a turn of the event loop, after all reads of it: the codecs write then what they gathered meanwhile. A write wakes its
// peer. One that is woken for each of many writes has gone back to sleep before the next, and waking it costs the kernel more than
// the write itself; where the writes follow each other it stays awake.

/** Has something to write. */
export interface Gatherer {
  /** The turn is over: writes it. */
  turnEnded(): void;
}

const waiting: Gatherer[] = [];

/** Calls back at the end of this turn. A gatherer that asks twice is called twice. */
export function atTurnEnd(gatherer: Gatherer): void {
  if (waiting.push(gatherer) === 1) setImmediate(endTurn);
}

/** Those that are added meanwhile are called too; one that throws takes none of the others along. */
function endTurn(): void {
  let called = 0;
  try {
    while (called < waiting.length) (waiting[called++] as Gatherer).turnEnded();
  } finally {
    waiting.splice(0, called);
    if (waiting.length > 0) setImmediate(endTurn);
  }
}
