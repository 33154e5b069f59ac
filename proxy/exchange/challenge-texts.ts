// The seam between the request path and the answers to challenges of certificate authorities (RFC 8555 section 8.3).

/** The part of a request that decides about the answer. */
export interface ChallengeRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
}

export interface ChallengeTexts {
  /** The text that answers a request, or null: a request for another token takes its usual way. */
  textFor(request: ChallengeRequest): Buffer | null;
}
