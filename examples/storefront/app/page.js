import Image from "next/image";

import { goods } from "./goods";
import { version } from "./version";

// Rendered for every request, as a shop with a stock is.
export const dynamic = "force-dynamic";

export default function Page() {
  return (
    <main>
      <h1>Paper, ink and string</h1>
      <p className="faint">
        Served by <strong id="version">{version}</strong>
      </p>
      <ul>
        {goods().map(({ name, price, picture }) => (
          <li key={name}>
            <Image src={picture} alt="" width={256} height={256} />
            <span>{name}</span>
            <span className="faint">{price}</span>
          </li>
        ))}
      </ul>
    </main>
  );
}
