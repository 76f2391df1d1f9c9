// A runbook's parameters as fields of a form, and what somebody puts into these as the parameters of a call. The service holds them against
// the whole schema; here is looked at what can be said before that.

/** As long as a text has no more characters, it has one line. */
const LONGEST_LINE = 160;

/**
 * The fields for a JSON Schema of an object, those that are required first. `kind` is `choice` (with `choices`, any JSON), `number`, `integer`,
 * `text`, `long`, `secret` or `json`; `initial` is what stands there at first, as text. `given` are values that somebody has proposed.
 */
export function fieldsOf(schema, given = {}) {
  const required = schema?.required ?? [];
  const properties = Object.entries(schema?.properties ?? {});
  const fields = properties.map(([name, property]) => {
    const kind = kindOf(property);
    const value = Object.hasOwn(given, name) && kind !== 'secret' ? given[name] : property.default;
    return {
      name, kind, label: property.title ?? name, isRequired: required.includes(name), hasDefault: Object.hasOwn(property, 'default'),
      hint: hintOf(property), choices: kind === 'choice' ? property.enum ?? (Object.hasOwn(property, 'const') ? [property.const] : [true, false]) : [],
      initial: value === undefined ? '' : textOf(kind, value),
    };
  });
  return fields.sort((one, other) => Number(other.isRequired) - Number(one.isRequired));
}

function kindOf(property) {
  if (property.secret === true) return 'secret';
  if (Array.isArray(property.enum) || Object.hasOwn(property, 'const') || property.type === 'boolean') return 'choice';
  if (property.type === 'string') return property.maxLength === undefined || property.maxLength <= LONGEST_LINE ? 'text' : 'long';
  if (property.type === 'number' || property.type === 'integer') return property.type;
  return 'json';
}

const textOf = (kind, value) => (kind === 'choice' || kind === 'json' || typeof value !== 'string' ? JSON.stringify(value) : value);

function hintOf(property) {
  const { minimum: least, maximum: most, minLength, maxLength, pattern, default: standing } = property;
  return [
    property.description,
    least !== undefined && most !== undefined ? `From ${least} to ${most}.` : least !== undefined ? `At least ${least}.` : most !== undefined && `At most ${most}.`,
    minLength > 1 && `At least ${minLength} characters.`, maxLength !== undefined && `At most ${maxLength} characters.`, pattern && `In the form ${pattern}.`,
    standing !== undefined && `Left out it is ${JSON.stringify(standing)}.`,
    property.secret === true && 'Secret: nobody but who carries the command out gets to see it.',
  ].filter(Boolean).join(' ');
}

/**
 * The parameters of a call. `values` has a text for each field; what is empty is left out. Gives `{parameters, errors}`, errors in the form in
 * which the service names them.
 */
export function parametersOf(fields, values) {
  const parameters = {};
  const errors = [];
  for (const { name, kind, isRequired, hasDefault } of fields) {
    const text = values[name] ?? '';
    const wrong = (detail) => errors.push({ field: `parameters.${name}`, detail });
    if (text.trim() === '' && !(kind === 'secret' && text !== '')) {
      if (isRequired && !hasDefault) wrong('is required');
      continue;
    }
    if (kind === 'number' || kind === 'integer') {
      const number = Number(text.trim());
      if (!Number.isFinite(number) || (kind === 'integer' && !Number.isSafeInteger(number))) wrong(kind === 'integer' ? 'must be a whole number' : 'must be a number');
      else parameters[name] = number;
    } else if (kind === 'choice' || kind === 'json') {
      try {
        parameters[name] = JSON.parse(text);
      } catch {
        wrong('must be JSON, such as ["a", "b"]');
      }
    } else parameters[name] = text;
  }
  return { parameters, errors };
}

/** What `POST /v1/commands` takes. Members that say what holds anyway are left out. */
export function commandBody({ runbook, parameters, reason = '', isDryRun = false }) {
  return { runbook, parameters, ...(reason.trim() ? { reason: reason.trim() } : {}), ...(isDryRun ? { dry_run: true } : {}) };
}
