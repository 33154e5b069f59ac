// A policy of the user, and what then passes between a client and the backend.
import { manifest, type SecurityRig } from '../security/rig.ts';
import type { Message } from '../support/message.ts';
import type { Manifest } from '../support/objects.ts';
import { ok } from '../support/raw-upstream.ts';

/** An HTTPPolicy of the route of the rig. */
export function httpPolicy(settings: object): Manifest {
  return manifest('HTTPPolicy', 'web', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], ...settings });
}

export interface Exchanged {
  /** The request as the backend got it; undefined: it got none. */
  readonly sent: Message | undefined;
  readonly answer: Message;
}

/** Sends the bytes of a request under a policy with these settings; `answer` is that of the backend. */
export async function exchangeUnder(rig: SecurityRig, settings: object, bytes: string, answer = ok()): Promise<Exchanged> {
  await rig.change([httpPolicy(settings)]);
  let sent: Message | undefined;
  rig.upstream.become((request) => {
    sent = request;
    return answer;
  });
  const got = await rig.ask(bytes);
  return { sent, answer: got };
}
