// How a processor gets the parts of an exchange: by the policy, and for one exchange as the processor asks.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { ModeOverride, ProcessingRequest } from './messages.ts';

export type ProcessorSettings = NonNullable<PolicySettings<'ExtensionPolicy'>['processor']>;
export type BodyMode = NonNullable<ProcessorSettings['requestBody']>;

/** The modes of one half of an exchange. */
export interface HalfModes {
  readonly headers: boolean;
  readonly body: BodyMode;
  readonly trailers: boolean;
}

export interface Modes {
  readonly request: HalfModes;
  readonly response: HalfModes;
}

/** The modes of a policy: heads, without bodies and trailers, unless it says otherwise. */
export function modesOf(settings: ProcessorSettings): Modes {
  const half = (headers = 'Send', body: BodyMode = 'None', trailers = 'Skip'): HalfModes => ({
    headers: headers === 'Send',
    body,
    trailers: trailers === 'Send',
  });
  return {
    request: half(settings.requestHeaders, settings.requestBody, settings.requestTrailers),
    response: half(settings.responseHeaders, settings.responseBody, settings.responseTrailers),
  };
}

const BY_NAME = {
  NONE: 'None',
  STREAMED: 'Streamed',
  BUFFERED: 'Buffered',
  BUFFERED_PARTIAL: 'BufferedPartial',
  FULL_DUPLEX_STREAMED: 'FullDuplexStreamed',
} as const;

type BodyModeName = keyof typeof BY_NAME;

const TO_NAME = Object.fromEntries(Object.entries(BY_NAME).map(([name, mode]) => [mode, name])) as Readonly<Record<BodyMode, BodyModeName>>;

/** The modes after an answer of the processor. The head of a request has passed when it answers. */
export function overridden({ request, response }: Modes, override: ModeOverride): Modes {
  return {
    request: {
      headers: request.headers,
      body: BY_NAME[override.request_body_mode],
      trailers: isSent(override.request_trailer_mode, request.trailers),
    },
    response: {
      headers: isSent(override.response_header_mode, response.headers),
      body: BY_NAME[override.response_body_mode],
      trailers: isSent(override.response_trailer_mode, response.trailers),
    },
  };
}

function isSent(mode: ModeOverride['request_header_mode'], otherwise: boolean): boolean {
  return mode === 'DEFAULT' ? otherwise : mode === 'SEND';
}

/** What the processor learns about the modes. */
export function protocolConfig({ request, response }: Modes): NonNullable<ProcessingRequest['protocol_config']> {
  return { request_body_mode: TO_NAME[request.body], response_body_mode: TO_NAME[response.body] };
}
