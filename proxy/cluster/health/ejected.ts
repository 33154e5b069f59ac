// The endpoint is an outlier: its requests fail, or take much longer than those of the others. A use of the cluster honours as many ejections
// as its settings allow, the oldest first.
import type { Member } from '../member.ts';
import type { EndpointHealth } from './endpoint-health.ts';
import { detectionId } from './outlier-settings.ts';
import type { OutlierSettings } from './outlier-settings.ts';

/** Null: ejections do not count. */
export function ejected(settings: OutlierSettings | null): EndpointHealth {
  return { reason: 'ejected', usable: (members) => (settings === null ? members : withoutOutliers(members, settings)) };
}

function withoutOutliers(members: readonly Member[], settings: OutlierSettings): readonly Member[] {
  const id = detectionId(settings);
  const sinceOf = ({ endpoint }: Member): number | null => {
    const ejection = endpoint.outliers.ejection(id);
    return ejection === null || ejection.cause === null ? null : ejection.since;
  };
  const out = members.flatMap((member) => {
    const since = sinceOf(member);
    return since === null ? [] : [{ member, since }];
  });
  if (out.length === 0) return members;
  const oldest = out.sort((a, b) => a.since - b.since).slice(0, allowed(members.length, settings.maxEjectionPercent));
  const avoided = new Set(oldest.map(({ member }) => member));
  return members.filter((member) => !avoided.has(member));
}

/** At least one, unless the share is 0, and never all. */
function allowed(members: number, percent: number): number {
  if (percent === 0) return 0;
  return Math.min(members - 1, Math.max(1, Math.floor((members * percent) / 100)));
}
