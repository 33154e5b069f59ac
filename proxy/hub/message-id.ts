// The ids of messages: `<milliseconds since 1970>-<number>`, as Redis has them, with the mark of the proxy if its memory has the topic.

/** An id in parts. */
export interface MessageId {
  readonly ms: number;
  readonly number: number;
  /** '' for Redis. */
  readonly mark: string;
}

const FORM = /^(\d{1,15})-(\d{1,15})(?:\.([a-z0-9]{1,16}))?$/;

/** Null: not an id. */
export function parseMessageId(text: string): MessageId | null {
  const read = FORM.exec(text);
  return read === null ? null : { ms: Number(read[1]), number: Number(read[2]), mark: read[3] ?? '' };
}

export function printMessageId({ ms, number, mark }: MessageId): string {
  return mark === '' ? `${ms}-${number}` : `${ms}-${number}.${mark}`;
}

/** Below 0: the first is older. Marks do not count. */
export function compareIds(one: MessageId, other: MessageId): number {
  return one.ms - other.ms || one.number - other.number;
}
