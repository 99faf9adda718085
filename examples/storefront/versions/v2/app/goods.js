// What the shop sells.
export function goods() {
  return [
    { name: "Paper", price: "€ 4.20", picture: "/paper.png" },
    { name: "Ink", price: "€ 6.90", picture: "/ink.png" },
    { name: "String", price: "€ 2.50", picture: "/string.png" },
    { name: "Red ink", price: "€ 7.90", picture: "/ink.png" },
  ];
}
