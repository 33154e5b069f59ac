// The areas of identity, in the order of the document.
import type { Area } from '../api/operation.ts';
import { bindingArea, roleArea, tenantArea } from './access-operations.ts';
import { accountArea } from './account-operations.ts';
import { sessionArea, tokenArea } from './credential-operations.ts';
import type { Identity } from './identity.ts';
import { userArea } from './user-operations.ts';

export function identityAreas(identity: Identity): readonly Area[] {
  const { users, roles, bindings, tenants, sessions, tokens } = identity;
  return [
    ...[accountArea(identity), userArea(users), roleArea(roles), bindingArea(bindings)],
    ...[tenantArea(tenants), sessionArea(sessions), tokenArea(tokens)],
  ];
}
