// What agents ask in the tests.

/** A confirmation of the tool `shell` that offers `make *`, everywhere or in `/repo`. */
export function confirmation(requestId, content = {}) {
  return {
    requestId,
    kind: 'confirmation',
    confirmation: {
      toolName: 'shell',
      input: { command: 'make deploy' },
      workingDir: '/repo',
      reason: 'the tests are green',
      allowlistOptions: [{ label: 'any make', pattern: 'make *' }],
      scopeOptions: [
        { label: 'everywhere', scope: 'everywhere' },
        { label: 'here', scope: '/repo' },
      ],
      ...content,
    },
  };
}

export function secret(requestId, content = {}) {
  return {
    requestId,
    kind: 'secret',
    secret: { service: 'forge', field: 'token', label: "The forge's token", purpose: 'to push the tag', ...content },
  };
}

/** A question with the entries `colour` (red or blue) and `why` (free text). */
export function question(requestId) {
  const options = [
    { optionId: 'red', label: 'Red' },
    { optionId: 'blue', label: 'Blue', description: 'like the sea' },
  ];
  return {
    requestId,
    kind: 'question',
    question: {
      entries: [
        { questionId: 'colour', text: 'Which colour?', options },
        { questionId: 'why', text: 'And why?', options: [], freeTextAllowed: true },
      ],
    },
  };
}
