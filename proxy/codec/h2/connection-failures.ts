// HTTP/2 connections that ended because of an error of their peer (RFC 9113 section 5.4.1), by our end and the code of the GOAWAY.
import { CODE } from './frames.ts';

/** Our end of a connection: towards clients or towards backends. */
export type Side = 'downstream' | 'upstream';

type CodeName = 'protocol_error' | 'internal_error' | 'flow_control_error' | 'stream_closed' | 'frame_size_error' | 'compression_error';
/** `enhance_your_calm`: floods, which also have their own metric; `truncated`: the peer closed in the middle of a frame. */
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
