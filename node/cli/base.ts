// `base`: the family of commands about base images; each is a file of its own beside this one.
// They load together, since one of them is what was asked for.

import type { Command } from 'commander'
import { define as adopt } from './base-adopt.ts'
import { define as create } from './base-create.ts'
import { define as deploy } from './base-deploy.ts'
import { define as fetch } from './base-fetch.ts'
import { define as list } from './base-list.ts'
import { define as show } from './base-show.ts'
import { define as verify } from './base-verify.ts'

export function define(command: Command): void {
  create(command.command('create').description('make a base image and publish it'))
  list(command.command('list').description('the base images of the mesh'))
  show(command.command('show').description('one base image'))
  verify(command.command('verify').description('prove every block and page of a base'))
  fetch(command.command('fetch').description('bring a base here, from all who hold it'))
  deploy(command.command('deploy').description('a bare directory becomes the base'))
  adopt(command.command('adopt').description('this computer was imaged with the base otherwise'))
}
