// The endpoints that sources outside Kubernetes are asked for, and what they find. Both travel through the pipeline like objects.
import type { Endpoint } from '#api/ir/ir.ts';

/** A question to a source of endpoints. A changed question replaces the former one of the same owner. */
export interface WantedEndpoints {
  /** The object that asks: `Backend/<namespace>/<name>`, or `Service/<namespace>/<name>/<port>`. */
  readonly owner: string;
  /** The name of the source, like `dns`. */
  readonly source: string;
  /** The settings of the source, as the object has them. Plain data. */
  readonly settings: unknown;
  /**
   * The content of the Secrets that the settings refer to, by name of the Secret and of its entry. Null if one of them cannot be used:
   * a source that runs already goes on with the content it has.
   */
  readonly secrets: SecretContents | null;
}

/** Entries as text, by name of the Secret and of the entry. */
export type SecretContents = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A problem of a source. The last answer stays in use. */
export interface SourceTrouble {
  /** One word for programs, like `Unreachable`. */
  readonly reason: string;
  /** A sentence without a subject that changes, since it becomes a condition: no times, no counts. */
  readonly message: string;
}

/** What a source knows now. */
export interface FoundEndpoints {
  /** The last answer; null before the first one. */
  readonly endpoints: readonly Endpoint[] | null;
  readonly trouble: SourceTrouble | null;
}
