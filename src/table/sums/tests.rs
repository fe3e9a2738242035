use super::*;

/// A file of `data` bytes and a tail, as the writer makes it.
fn written(data: usize, step: usize) -> (Vec<u8>, Sums) {
    let content: Vec<u8> = (0..data).map(|at| (at * 7 + at / 251) as u8).collect();
    let mut out = Summed::new(Vec::new());
    for part in content.chunks(step.max(1)) {
        out.write_all(part).expect("a vector takes all");
    }
    let table = out.begin_tail();
    out.write_all(&table).expect("a vector takes all");
    out.write_all(b"footer").expect("a vector takes all");
    let sums = out.sums().expect("a tail was begun");
    (out.inner, sums)
}

#[test]
fn every_flipped_bit_is_noticed_at_every_size_around_a_block() {
    let block = BLOCK as usize;
    for (data, step) in [(0, 1), (1, 1), (block - 1, 1_000), (block, block), (block + 1, 333), (3 * block + 5, 70_000)]
    {
        let (mut file, sums) = written(data, step);
        assert_eq!(sums.tail, data as u64);
        let blocks = sums.learn(&file[data..]).expect("the tail is whole");
        check(&blocks, 0, &file[..data]).expect("the blocks are whole");
        // Every byte of small files, a prime's multiples of large ones.
        for at in (0..file.len()).step_by(if file.len() < 200 { 1 } else { 911 }) {
            file[at] ^= 1 << (at % 8);
            let noticed = if at < data {
                check(&blocks, 0, &file[..data]).is_err()
            } else {
                Sums::new(sums.tail, sums.crc).learn(&file[data..]).is_err()
            };
            assert!(noticed, "byte {at} of {}", file.len());
            file[at] ^= 1 << (at % 8);
        }
    }
}

#[test]
fn blocks_that_changed_places_or_are_too_many_are_noticed() {
    let block = BLOCK as usize;
    let (file, sums) = written(3 * block, 4_096);
    let blocks = sums.learn(&file[3 * block..]).expect("the tail is whole");
    let swapped = [&file[block..2 * block], &file[..block]].concat();
    assert!(check(&blocks, 0, &swapped).is_err());
    assert!(check(&blocks, BLOCK, &file[block..2 * block]).is_ok());
    assert!(check(&blocks, 3 * BLOCK, &file[..block]).is_err(), "there is no fourth block");
}

#[test]
fn a_tag_is_read_back_and_others_are_none() {
    let sums = Sums::new(123, 0xab);
    assert_eq!(sums.tag(), "1:123:000000ab");
    assert_eq!(Sums::parse(&sums.tag()), Some(sums));
    for wrong in ["", "1", "1:2", "2:123:000000ab", "1:123:ab", "1:x:000000ab", "1:123:000000ab:", "1:123:0000zzzz"] {
        assert_eq!(Sums::parse(wrong), None, "{wrong}");
    }
}
