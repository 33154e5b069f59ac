// Applies rules to the messages of one direction of a call.
import type { Facts } from '#api/expression/facts.ts';
import { decodeMessage } from '#lib/protobuf/decode.ts';
import { encodeMessage } from '#lib/protobuf/encode.ts';
import type { StageOutlet } from '../../exchange/body-stage.ts';
import { ERRORS, withDetail } from '../../exchange/errors.ts';
import { messageFrame } from '../../exchange/message-frame.ts';
import { MessageStage, type CallMessage, type MessageStageOptions } from '../../exchange/message-stage.ts';
import type { MessageRules } from './message-rules.ts';

export interface InspectionOptions extends MessageStageOptions {
  readonly rules: MessageRules;
  readonly facts: () => Facts;
  /** The fields for the log, by path. */
  readonly logged: Map<string, string>;
}

export class InspectionStage extends MessageStage {
  readonly #options: InspectionOptions;

  constructor(options: InspectionOptions) {
    super(options);
    this.#options = options;
  }

  protected override message({ bytes, frame }: CallMessage, out: StageOutlet): boolean {
    const { rules, facts, logged, direction } = this.#options;
    const message = decodeMessage(rules.type, bytes);
    if (!message.ok) {
      const error = direction === 'request' ? ERRORS.grpcMessageMalformed : ERRORS.upstreamMalformed;
      out.fail(withDetail(error, `a message is no ${rules.type.name}: ${message.error}`));
      return true;
    }
    const verdict = rules.apply(message.value, facts, logged);
    if (verdict === 'same') return out.data(frame);
    if (verdict === 'changed') return out.data(messageFrame(encodeMessage(message.value)));
    out.fail(verdict);
    return true;
  }
}
