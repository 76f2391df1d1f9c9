//! Writes some pictures into a folder, to be looked at: `cargo run -p incident-plot --example pictures -- FOLDER`.

#[path = "../tests/common/mod.rs"]
mod common;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::path::PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/pictures".to_owned()));
    std::fs::create_dir_all(&folder)?;
    let pictures =
        [("throttling", common::throttling()), ("bad-build", common::bad_build()), ("silent", common::silent())];
    for (name, plot) in pictures {
        let begun = std::time::Instant::now();
        let svg = incident_plot::svg(&plot);
        let png = incident_plot::png(&svg)?;
        println!("{name}: {} bytes of SVG, {} of PNG, {:?}", svg.len(), png.len(), begun.elapsed());
        std::fs::write(folder.join(format!("{name}.svg")), svg)?;
        std::fs::write(folder.join(format!("{name}.png")), png)?;
    }
    Ok(())
}
