/** Whether suites that run only some of their cases by default run all (`ODRADEK_COMPAT_ALL=1`). */
export const isLongForm = process.env.ODRADEK_COMPAT_ALL === '1'
