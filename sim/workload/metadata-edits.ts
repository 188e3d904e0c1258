// Edits of what stands beside a file: rights, owners, attributes, times. None of them touches content, and
// all but the last leave size and time as they were. Each returns what it did, or undefined where there is
// nothing to do it to.

import { sameXattrs } from '../../store/tree.ts'
import { showPath } from '../../node/tree/path.ts'
import type { Edit } from './content-edits.ts'
import { oddMode, oddOwner, pastTime, someXattrs } from './metadata.ts'
import type { Found, Survey } from './survey.ts'

export const changeMode: Edit = (survey) => {
  const found = anyOf(survey)
  const mode = oddMode(survey.random)
  if (found === undefined || found.node.mode === mode) return undefined
  survey.tree.chmod(found.path, mode)
  return `sets the mode of ${showPath(found.path)} to ${mode.toString(8)}`
}

export const changeOwner: Edit = (survey) => {
  const { random } = survey
  const found = survey.any([...survey.files, ...survey.directories, ...survey.symlinks])
  const [uid, gid] = [oddOwner(random), oddOwner(random)]
  if (found === undefined || (found.node.uid === uid && found.node.gid === gid)) return undefined
  survey.tree.change(found.path, { uid, gid })
  return `gives ${showPath(found.path)} to ${uid}:${gid}`
}

export const setAttributes: Edit = (survey) => {
  const found = anyOf(survey)
  if (found === undefined) return undefined
  const xattrs = someXattrs(survey.random)
  if (sameXattrs(xattrs, found.node.xattrs)) return undefined
  survey.tree.change(found.path, { xattrs })
  return `sets ${xattrs.length} attributes of ${showPath(found.path)}`
}

export const removeAttributes: Edit = (survey) => {
  const all = [...survey.files, ...survey.directories]
  const found = survey.any(all.filter(({ node }) => node.xattrs.length > 0))
  if (found === undefined) return undefined
  survey.tree.change(found.path, { xattrs: [] })
  return `removes the attributes of ${showPath(found.path)}`
}

export const touch: Edit = (survey) => {
  const { random, nowMs } = survey
  const found = survey.any([...survey.files, ...survey.directories, ...survey.symlinks])
  if (found === undefined) return undefined
  const mtimeNs = pastTime(random, nowMs)
  if (mtimeNs === found.node.mtimeNs) return undefined
  survey.tree.change(found.path, { mtimeNs })
  return `sets the time of ${showPath(found.path)}`
}

function anyOf(survey: Survey): Found | undefined {
  return survey.any([...survey.files, ...survey.directories])
}
