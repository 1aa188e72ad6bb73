// Sums vitest's JSON reports: prints "N passed, N failed". A file that could not be run is one failure.
import { existsSync, readFileSync } from 'node:fs'

let passed = 0
let failed = 0
for (const path of process.argv.slice(2)) {
  if (!existsSync(path)) continue
  const report = JSON.parse(readFileSync(path, 'utf8'))
  passed += report.numPassedTests
  failed += report.numFailedTests
  for (const { status, assertionResults } of report.testResults) {
    const said = assertionResults.some((one) => one.status === 'failed')
    if (status === 'failed' && !said) failed++
  }
}
console.log(`${passed} passed, ${failed} failed`)
