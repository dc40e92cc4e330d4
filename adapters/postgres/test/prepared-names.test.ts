import { expect, test } from 'vitest'
import { PreparedNames } from '../src/prepared-names.ts'

test('a statement is prepared once, and the least recently used one is closed for a new one', () => {
  const names = new PreparedNames(2)
  const first = names.nameOf('a')
  expect(first).toMatchObject({ isNew: true, dropped: undefined })
  names.nameOf('b')
  names.settle()
  expect(names.nameOf('a')).toEqual({ name: first.name, isNew: false, dropped: undefined })
  const { dropped } = names.nameOf('c')
  expect(dropped).not.toBe(first.name)
  expect(names.nameOf('b')).toMatchObject({ isNew: true })
})

test('a statement that failed is prepared again under another name, and the old one is closed', () => {
  const names = new PreparedNames(10)
  const { name } = names.nameOf('a')
  names.forget('a')
  const again = names.nameOf('a')
  expect(again).toMatchObject({ isNew: true, dropped: name })
  expect(again.name).not.toBe(name)
})

test('what was prepared before stays when something behind it fails', () => {
  const names = new PreparedNames(10)
  const { name } = names.nameOf('a')
  names.settle()
  names.nameOf('b')
  names.forgetIfNew('a')
  names.forgetIfNew('b')
  expect(names.nameOf('a')).toEqual({ name, isNew: false, dropped: undefined })
  expect(names.nameOf('b')).toMatchObject({ isNew: true })
})

test('with room for none, statements have no names', () => {
  expect(new PreparedNames(0).nameOf('a')).toEqual({ name: '', isNew: true, dropped: undefined })
})
