// Sums vitest's JSON reports: names what failed, a line each, then prints "N passed, N failed".
// A file that could not be run is one failure.
import { existsSync, readFileSync } from 'node:fs'
import { basename, relative } from 'node:path'

let passed = 0
let failed = 0
for (const path of process.argv.slice(2)) {
  if (!existsSync(path)) continue
  const report = JSON.parse(readFileSync(path, 'utf8'))
  passed += report.numPassedTests
  failed += report.numFailedTests
  const suite = basename(path, '.json')
  for (const { name, status, message, assertionResults } of report.testResults) {
    const file = relative(process.cwd(), name)
    const wrong = assertionResults.filter((one) => one.status === 'failed')
    for (const { fullName, failureMessages } of wrong) {
      console.log(`${suite}: ${file}: ${fullName}: ${firstLine(failureMessages[0])}`)
    }
    if (status !== 'failed' || wrong.length > 0) continue
    failed++
    console.log(`${suite}: ${file}: ${firstLine(message) || 'could not be run'}`)
  }
}
console.log(`${passed} passed, ${failed} failed`)

function firstLine(text = '') {
  return text.split('\n', 1)[0].slice(0, 300)
}
