// What run steps need that use pack-cache. Steps of type run do not see the
// variables of the cache service; actions in JavaScript do.
'use strict'

const { spawnSync } = require('node:child_process')
const { randomUUID } = require('node:crypto')
const { accessSync, appendFileSync, constants, readFileSync, realpathSync } = require('node:fs')
const path = require('node:path')

const variables = [
  'ACTIONS_CACHE_URL', 'ACTIONS_RESULTS_URL', 'ACTIONS_RUNTIME_TOKEN', 'ACTIONS_CACHE_SERVICE_V2', 'ACTIONS_CACHE_MODE',
]

// expose gives the variables to the steps that follow. The runner keeps what is
// masked out of the log.
function expose(env) {
  for (const name of variables.filter((name) => env[name])) {
    const value = env[name]
    if (name === 'ACTIONS_RUNTIME_TOKEN') console.log(`::add-mask::${value}`)
    const end = `end-${randomUUID()}`
    appendFileSync(env.GITHUB_ENV, `${name}<<${end}\n${value}\n${end}\n`)
  }
  // act has no tokens: the URL is the secret.
  if (!env.ACTIONS_RUNTIME_TOKEN && !env.ACTIONS_CACHE_URL) {
    console.log('::warning::This runner gives no token for its cache service: type=gha will find nothing.')
  }
}

// locate returns the file of a program.
function locate(program, env) {
  const dirs = program.includes('/') ? [''] : (env.PATH || '').split(':')
  for (const dir of dirs) {
    const file = path.resolve(dir, program)
    try {
      accessSync(file, constants.X_OK)
      return realpathSync(file)
    } catch {
      // not there
    }
  }
  return ''
}

// profile allows user namespaces to one program, and restricts it in no way.
function profile(file) {
  if (/["\\*?[\]{}^\n]/.test(file)) throw new Error(`AppArmor cannot be told of ${file}`)
  return `abi <abi/4.0>,\nprofile pack-cache "${file}" flags=(unconfined) {\n  userns,\n}\n`
}

// allowNamespaces loads the profile where the kernel asks for one, as that of
// Ubuntu 23.10 and later does.
function allowNamespaces(program, env, setting = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns') {
  let restricted = '0'
  try {
    restricted = readFileSync(setting, 'utf8').trim()
  } catch {
    return // another kernel
  }
  if (restricted !== '1') return
  const file = locate(program, env)
  if (!file) {
    console.log(`::warning::There is no ${program}: install it before this step, or give its path.`)
    return
  }
  const loaded = spawnSync('sudo', ['-n', 'apparmor_parser', '--replace'], { input: profile(file), encoding: 'utf8', env })
  if (loaded.status === 0) {
    console.log(`${file} may use user namespaces`)
  } else {
    // A sudo that refuses has not read its input, which is an error of its own.
    const why = loaded.stderr?.trim() || loaded.error?.message || `sudo ended with ${loaded.status}`
    console.log(`::warning::The AppArmor profile for ${file} could not be loaded, so --engine docker will be used: ${why}`)
  }
}

module.exports = { expose, profile, allowNamespaces }

if (require.main === module) {
  expose(process.env)
  if (process.env.INPUT_APPARMOR !== 'false') allowNamespaces(process.env['INPUT_PACK-CACHE'] || 'pack-cache', process.env)
}
