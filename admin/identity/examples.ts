// The examples of the operations of identity. The tests make what they name.
export const EXAMPLE_TIME = '2026-03-01T08:00:00.000Z';

/** Ids that the examples name. */
export const EXAMPLE_IDS = {
  binding: '6f1f2d0e-8a51-4a0c-9d53-0d0f6f3c1a01',
  session: '6f1f2d0e-8a51-4a0c-9d53-0d0f6f3c1a02',
  token: '6f1f2d0e-8a51-4a0c-9d53-0d0f6f3c1a03',
  user: '6f1f2d0e-8a51-4a0c-9d53-0d0f6f3c1a04',
} as const;

export const EXAMPLE_PASSWORD = 'seven green boats at noon';

/** Of RFC 6238, appendix B: the code of the secret at 1234567890 seconds. */
export const EXAMPLE_TOTP_SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
export const EXAMPLE_CODE = '005924';

export const EXAMPLE_USER = {
  ...{ id: EXAMPLE_IDS.user, name: 'ana', displayName: 'Ana', source: 'local' as const, hasPassword: true, mustChangePassword: false },
  ...{ disabled: false, secondFactor: true, groups: [], created: EXAMPLE_TIME, lastLogin: null },
};

export const EXAMPLE_SESSION = {
  ...{ id: EXAMPLE_IDS.session, user: 'ana', method: 'password' as const, address: '192.0.2.1', userAgent: 'curl/8.9.1' },
  ...{ created: EXAMPLE_TIME, lastUsed: EXAMPLE_TIME, current: true },
};

export const EXAMPLE_TOKEN = {
  ...{ id: EXAMPLE_IDS.token, name: 'ci', owner: 'ana', permissions: ['configuration:read' as const], namespaces: ['shop'] },
  ...{ created: EXAMPLE_TIME, createdBy: 'ana', expires: '2026-05-30T08:00:00.000Z', lastUsed: null, lastAddress: '' },
};

export const EXAMPLE_NEW_TOKEN = { name: 'ci-2', days: 90, permissions: ['configuration:read' as const], namespaces: ['shop'] };

export const EXAMPLE_ROLE = {
  ...{ name: 'releaser', description: 'Releases configuration.', builtIn: false },
  permissions: ['configuration:read' as const, 'configuration:write' as const],
};

export const EXAMPLE_TENANT = { name: 'shop', description: 'The web shop.', namespaces: ['shop', 'cart'] };

export const EXAMPLE_BINDING = {
  ...{ id: EXAMPLE_IDS.binding, subjectKind: 'user' as const, subject: 'ana', role: 'viewer', tenant: 'shop', namespaces: null },
  ...{ created: EXAMPLE_TIME, createdBy: 'admin' },
};
