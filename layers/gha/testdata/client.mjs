// GitHub's own client, the npm package @actions/cache, on its own:
//
//	client.mjs MODULES roundtrip DIRECTORY    saves the directory's files and restores them
//	client.mjs MODULES restore KEY VERSION FILE
//	client.mjs MODULES save KEY VERSION FILE
import * as fs from 'node:fs'
import * as path from 'node:path'

const [modules, what, ...args] = process.argv.slice(2)
const lib = (file) => import(path.join(modules, '@actions', 'cache', 'lib', file))

if (what === 'roundtrip') {
  const cache = await lib('cache.js')
  const file = path.join(args[0], 'file')
  fs.writeFileSync(file, 'content')
  await cache.saveCache([file], 'npm-key-1')
  fs.rmSync(file)
  const hit = await cache.restoreCache([file], 'npm-key-none', ['npm-key-'])
  if (hit !== 'npm-key-1' || fs.readFileSync(file, 'utf8') !== 'content') {
    throw new Error(`restored ${hit}`)
  }
  const again = await cache.saveCache([file], 'npm-key-1')
  if (again !== -1) throw new Error('an entry was replaced')
} else {
  const [key, version, file] = args
  const { internalCacheTwirpClient } = await lib('internal/shared/cacheTwirpClient.js')
  const http = await lib('internal/cacheHttpClient.js')
  const twirp = internalCacheTwirpClient()
  if (what === 'restore') {
    const found = await twirp.GetCacheEntryDownloadURL({ key, restoreKeys: [], version })
    if (!found.ok || found.matchedKey !== key) throw new Error('not found')
    await http.downloadCache(found.signedDownloadUrl, file, { useAzureSdk: true })
  } else {
    const made = await twirp.CreateCacheEntry({ key, version })
    if (!made.ok) throw new Error(made.message)
    await http.saveCache(-1, file, made.signedUploadUrl, { useAzureSdk: true, uploadChunkSize: 1 << 20, uploadConcurrency: 2 })
    const sizeBytes = `${fs.statSync(file).size}`
    const done = await twirp.FinalizeCacheEntryUpload({ key, version, sizeBytes })
    if (!done.ok) throw new Error(done.message)
  }
}
