// The alerts that the admin program tells itself: no rule of a controller can see them. Those with the name of an alert of the chart have its
// meaning, and docs/guides/alerts.md says what to do about each.

/** The severity of each, by name, in the order of the reference. */
export const ADMIN_ALERTS = {
  WeirAdminAuditFailing: 'critical',
  WeirAdminKeyFailing: 'critical',
  WeirAdminFailing: 'warning',
  WeirAdminUnusualLogin: 'critical',
  WeirAdminNewPlace: 'info',
} as const;
export type AdminAlertName = keyof typeof ADMIN_ALERTS;

/** Their names. */
export const ADMIN_ALERT_NAMES = Object.keys(ADMIN_ALERTS) as readonly AdminAlertName[];

/** The labels that they can have, besides `alertname`, `severity` and `namespace`. */
export const ADMIN_ALERT_LABELS = ['instance', 'kind', 'user', 'address'] as const;
export type AdminAlertLabels = Readonly<Partial<Record<(typeof ADMIN_ALERT_LABELS)[number], string>>>;

/** The longest text of a label, and of a summary, characters. */
export const MAX_LABEL = 256;
export const MAX_SUMMARY = 512;
