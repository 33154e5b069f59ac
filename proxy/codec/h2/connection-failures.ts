// Connections of HTTP/2 that ended for an error of their peers (RFC 9113 section 5.4.1), by the end that is ours and the code of the
// GOAWAY they were sent.
import { CODE } from './frames.ts';

/** Which end of a connection is ours: towards clients or towards backends. */
export type Side = 'downstream' | 'upstream';

type CodeName = 'protocol_error' | 'internal_error' | 'flow_control_error' | 'stream_closed' | 'frame_size_error' | 'compression_error';
/** `enhance_your_calm`: floods, which have a metric of their own too; `truncated`: the peer left within a frame. */
export type ConnectionFailure = `${Side}/${CodeName | 'enhance_your_calm' | 'truncated'}`;

const NAMES = new Map<number, CodeName | 'enhance_your_calm'>([
  [CODE.protocolError, 'protocol_error'],
  [CODE.flowControlError, 'flow_control_error'],
  [CODE.streamClosed, 'stream_closed'],
  [CODE.frameSizeError, 'frame_size_error'],
  [CODE.compressionError, 'compression_error'],
  [CODE.enhanceYourCalm, 'enhance_your_calm'],
]);

export function connectionFailure(side: Side, code: number): ConnectionFailure {
  return `${side}/${NAMES.get(code) ?? 'internal_error'}`;
}
