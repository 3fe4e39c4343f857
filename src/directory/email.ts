const ADDRESS = /^[^\s@"<>(),:;[\]\\]{1,64}@((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63})$/;
const LONGEST = 254;

/** A whole e-mail address in the form in which it is kept and compared: lower case. */
export function emailIn(text: string): string | undefined {
  const email = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return email.length <= LONGEST && ADDRESS.test(email) ? email : undefined;
}

export function domainOf(email: string): string {
  return email.slice(email.indexOf('@') + 1);
}
