// The fields of answers of a processor that have no effect, so that operators learn of them.
import type { IgnoredField } from '../../exchange/processor-counts.ts';
import { hasPick } from './destination.ts';
import { commonOf, type PartName, type ProcessingResponse, type Struct } from './messages.ts';

/** Where an answer arrives: `head` of a request or an answer, a `held` body before which headers may still change, or a `piece` of a body. */
export type AnswerPlace = 'head' | 'held' | 'piece';

/** An answer, where it arrives, and whether the processor may choose modes. */
interface Arrived {
  readonly answer: ProcessingResponse;
  readonly part: PartName;
  readonly place: AnswerPlace;
  readonly allowsOverride: boolean;
}

/** Whether an answer has the field in vain. */
const IN_VAIN: readonly (readonly [IgnoredField, (arrived: Arrived) => boolean])[] = [
  ['clear_route_cache', ({ answer, part }) => commonOf(answer, part)?.clear_route_cache === true],
  ['trailers', ({ answer, part }) => isSet(commonOf(answer, part)?.trailers)],
  ['header_mutation', ({ answer, part, place }) => place === 'piece' && isSet(commonOf(answer, part)?.header_mutation)],
  ['dynamic_metadata', ({ answer: { dynamic_metadata: metadata }, part, place }) => metadata !== null && !picks(metadata, part, place)],
  ['mode_override', ({ answer, place, allowsOverride }) => answer.mode_override !== null && !(place === 'head' && allowsOverride)],
];

/** The fields that have no effect in an answer. */
export function ignoredIn(arrived: Arrived): readonly IgnoredField[] {
  return IN_VAIN.filter(([, isInVain]) => isInVain(arrived)).map(([field]) => field);
}

/** Whether metadata chooses the endpoint, and nothing else. */
function picks(metadata: Struct, part: PartName, place: AnswerPlace): boolean {
  return place !== 'piece' && part.startsWith('request') && hasPick(metadata);
}

function isSet(field: object | null | undefined): boolean {
  return (field ?? null) !== null;
}
